/*
 * netlink.c - rtnetlink by hand (netlink.h): five requests do not need a library.
 */
#include "netlink.h"

#include "base/cleanup.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
	};
	char attributes[256];
};

static void begin(struct request *q, uint16_t type, uint16_t flags, size_t body)
{
	memset(q, 0, sizeof(*q));
	q->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
	q->head.nlmsg_type = type;
	q->head.nlmsg_flags = NLM_F_REQUEST | flags;
	q->head.nlmsg_seq = 1;
}

static void attribute(struct request *q, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	q->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

/* Sends, and reads the acknowledgement. Returns a negative errno of the kernel's. */
static int talk(int sock, struct request *q)
{
	union {
		struct nlmsghdr head;
		char buf[1024];
	} answer;
	const struct nlmsgerr *e = NLMSG_DATA(&answer.head);
	ssize_t n;

	if (send(sock, q, q->head.nlmsg_len, 0) < 0)
		return -errno;
	do
		n = recv(sock, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof(*e)) || answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return e->error;
}

static int answer_error(int rc, const char *what, struct err *err)
{
	if (rc >= 0)
		return 0;
	errno = -rc;
	return err_sys(err, "%s", what);
}

int netlink_open(struct err *err)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return sock >= 0 ? sock : err_sys(err, "make a netlink socket");
}

static void keep_address(const struct nlmsghdr *h, int index, struct netlink_addresses *ret)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	int len = (int)IFA_PAYLOAD(h);
	struct netlink_address a = { .family = m->ifa_family, .prefix = m->ifa_prefixlen, .scope = m->ifa_scope };
	uint32_t flags = m->ifa_flags;

	for (struct rtattr *r = IFA_RTA(m); RTA_OK(r, len); r = RTA_NEXT(r, len)) {
		size_t n = RTA_PAYLOAD(r);

		if (r->rta_type == IFA_FLAGS && n == sizeof(flags))
			memcpy(&flags, RTA_DATA(r), sizeof(flags));
		if (r->rta_type == IFA_LOCAL && n <= sizeof(a.local))
			memcpy(a.local, RTA_DATA(r), a.local_len = (uint8_t)n);
		if (r->rta_type == IFA_ADDRESS && n <= sizeof(a.address))
			memcpy(a.address, RTA_DATA(r), a.address_len = (uint8_t)n);
	}
	if ((int)m->ifa_index == index && (flags & IFA_F_PERMANENT) && m->ifa_scope == RT_SCOPE_UNIVERSE &&
	    ret->n < NETLINK_ADDRESSES)
		ret->v[ret->n++] = a;
}

/* One datagram of the dump. Returns 1 at its end. By hand: NLMSG_OK compares signed with unsigned. */
static int read_dump(const char *buf, size_t len, int index, struct netlink_addresses *ret, struct err *err)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= len;) {
		const struct nlmsghdr *h = (const void *)(buf + at);

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len - at)
			break;
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR)
			return err_set(err, EPROTO, "the kernel refuses to list the addresses");
		if (h->nlmsg_type == RTM_NEWADDR)
			keep_address(h, index, ret);
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return 0;
}

int netlink_get_addresses(int sock, int index, struct netlink_addresses *ret, struct err *err)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	struct request q;
	int rc = 0;

	ret->n = 0;
	begin(&q, RTM_GETADDR, NLM_F_DUMP, sizeof(q.addr));
	if (send(sock, &q, q.head.nlmsg_len, 0) < 0)
		return err_sys(err, "ask for the addresses");
	while (rc == 0) {
		ssize_t n = recv(sock, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read the addresses");
		rc = read_dump(buf, (size_t)n, index, ret, err);
	}
	return rc < 0 ? rc : 0;
}

int netlink_add_address(int sock, int index, const struct netlink_address *a, struct err *err)
{
	struct request q;
	int rc;

	begin(&q, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof(q.addr));
	q.addr = (struct ifaddrmsg){ .ifa_family = a->family, .ifa_prefixlen = a->prefix, .ifa_scope = a->scope,
				     .ifa_index = (unsigned)index };
	if (a->local_len)
		attribute(&q, IFA_LOCAL, a->local, a->local_len);
	if (a->address_len)
		attribute(&q, IFA_ADDRESS, a->address, a->address_len);
	rc = talk(sock, &q);
	return rc == -EEXIST ? 0 : answer_error(rc, "put an address back", err);
}

int netlink_move(int sock, int index, const char *name, int ns, struct err *err)
{
	struct request q;
	uint32_t fd = (uint32_t)ns;

	begin(&q, RTM_SETLINK, NLM_F_ACK, sizeof(q.link));
	q.link.ifi_index = index;
	q.link.ifi_change = IFF_UP;
	attribute(&q, IFLA_IFNAME, name, strlen(name) + 1);
	attribute(&q, IFLA_NET_NS_FD, &fd, sizeof(fd));
	return answer_error(talk(sock, &q), "move it into the container's network namespace", err);
}

int netlink_up(int sock, int index, struct err *err)
{
	struct request q;

	begin(&q, RTM_SETLINK, NLM_F_ACK, sizeof(q.link));
	q.link.ifi_index = index;
	q.link.ifi_change = q.link.ifi_flags = IFF_UP;
	return answer_error(talk(sock, &q), "set it up", err);
}
