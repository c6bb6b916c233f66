#!/usr/bin/env python3
"""Archives and image layouts as no tool would write them.

craft.py tar FILE ENTRY...              ENTRY: KIND|NAME[|LINK OR CONTENT[|KEY=VALUE,...]]
        KIND: f file, d directory, l symbolic link, h hard link, c and b devices, p FIFO
        KEY: mode (octal), uid, gid, mtime, xattr (NAME:TEXT)
craft.py image [-d] [-z gzip|zstd|none] [-p] DIR TAG CONFIG LAYER.tar...
        adds an image to the layout; CONFIG is the JSON of its "config"
        $CRAFT_ARCH the architecture, of this machine without it
        -d media types of Docker, -p an index for several platforms above the manifest
"""
import gzip, hashlib, io, json, os, platform, subprocess, sys, tarfile

KINDS = {'f': tarfile.REGTYPE, 'd': tarfile.DIRTYPE, 'l': tarfile.SYMTYPE, 'h': tarfile.LNKTYPE,
         'c': tarfile.CHRTYPE, 'b': tarfile.BLKTYPE, 'p': tarfile.FIFOTYPE}


def tar(path, entries):
    with tarfile.open(path, 'w', format=tarfile.PAX_FORMAT) as t:
        for entry in entries:
            kind, name, content, keys = (entry.split('|', 3) + ['', '', ''])[:4]
            i = tarfile.TarInfo(name)
            i.type, i.mtime, i.mode = KINDS[kind], 1000000000, 0o755 if kind == 'd' else 0o644
            for key, value in (k.split('=', 1) for k in keys.split(',') if k):
                if key == 'xattr':
                    n, text = value.split(':', 1)
                    i.pax_headers['SCHILY.xattr.' + n] = text
                else:
                    setattr(i, key, int(value, 8 if key == 'mode' else 10))
            data = content.encode() if kind == 'f' else b''
            i.size = len(data)
            if kind in 'lh':
                i.linkname = content
            t.addfile(i, io.BytesIO(data))


def blob(top, data, kind):
    digest = hashlib.sha256(data).hexdigest()
    os.makedirs(top + '/blobs/sha256', exist_ok=True)
    with open(top + '/blobs/sha256/' + digest, 'wb') as f:
        f.write(data)
    return {'mediaType': kind, 'digest': 'sha256:' + digest, 'size': len(data)}


def pack(data, how):
    if how == 'gzip':
        return gzip.compress(data, 1)
    if how == 'zstd':
        return subprocess.run(['zstd', '-q', '-c'], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def image(args):
    docker = several = False
    how = 'gzip'
    while args[0].startswith('-'):
        option = args.pop(0)
        docker, several = docker or option == '-d', several or option == '-p'
        if option == '-z':
            how = args.pop(0)
    top, tag, config, tars = args[0], args[1], json.loads(args[2]), args[3:]
    oci, dist = 'application/vnd.oci.image.', 'application/vnd.docker.distribution.manifest.'
    arch = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine())
    arch = os.environ.get('CRAFT_ARCH', arch)
    layers, ids = [], []
    for path in tars:
        data = open(path, 'rb').read()
        kind = 'application/vnd.docker.image.rootfs.diff.tar.gzip' if docker else \
            oci + 'layer.v1.tar' + ('' if how == 'none' else '+' + how)
        layers.append(blob(top, pack(data, how), kind))
        ids.append('sha256:' + hashlib.sha256(data).hexdigest())
    doc = {'os': 'linux', 'architecture': arch, 'config': config,
           'rootfs': {'type': 'layers', 'diff_ids': ids}}
    c = blob(top, json.dumps(doc).encode(), 'application/vnd.docker.container.image.v1+json' if docker
             else oci + 'config.v1+json')
    manifest = {'schemaVersion': 2, 'config': c, 'layers': layers}
    d = blob(top, json.dumps(manifest).encode(), dist + 'v2+json' if docker else oci + 'manifest.v1+json')
    if several:
        other = dict(d, digest='sha256:' + '0' * 64, platform={'os': 'linux', 'architecture': 'other'})
        index = {'schemaVersion': 2, 'manifests': [
            other, dict(d, platform={'os': 'linux', 'architecture': arch})]}
        d = blob(top, json.dumps(index).encode(), dist + 'list.v2+json' if docker else oci + 'index.v1+json')
    index = {'schemaVersion': 2, 'manifests': []}
    if os.path.exists(top + '/index.json'):
        index = json.load(open(top + '/index.json'))
    index['manifests'].append(dict(d, annotations={'org.opencontainers.image.ref.name': tag}))
    json.dump(index, open(top + '/index.json', 'w'))
    json.dump({'imageLayoutVersion': '1.0.0'}, open(top + '/oci-layout', 'w'))


if sys.argv[1] == 'tar':
    tar(sys.argv[2], sys.argv[3:])
else:
    image(sys.argv[2:])
