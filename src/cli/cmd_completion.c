/*
 * cmd_completion.c - `bryo completion SHELL`: a script that teaches a shell the command line. It is
 * printed from the rows that parse and that help is printed from; there is no second list. Runs in
 * the process that the user started and touches nothing.
 *
 * What an argument is follows from the word that help shows for it: DIR and FILE are names of files,
 * a|b|c is a choice, and ID in a synopsis asks `bryo list`.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "out.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define POSITIONS 2 /* words after the command that are completed */

static const struct opt completion_opts[] = { { 0 } };

enum argument { ARGUMENT_OTHER, ARGUMENT_DIR, ARGUMENT_FILE, ARGUMENT_CHOICE, ARGUMENT_ID };

static bool takes_value(const struct opt *o)
{
	return o->kind != OPT_FLAG && o->kind != OPT_OPT_BOOL;
}

static enum argument argument_of(const char *word)
{
	if (str_eq(word, "DIR"))
		return ARGUMENT_DIR;
	if (str_eq(word, "FILE") || str_eq(word, "PATH"))
		return ARGUMENT_FILE;
	if (str_eq(word, "ID"))
		return ARGUMENT_ID;
	return islower((unsigned char)word[0]) && strchr(word, '|') ? ARGUMENT_CHOICE
								    : ARGUMENT_OTHER;
}

/* The index-th word of a synopsis without its options and brackets, or NULL. */
static const char *synopsis_word(struct arena *a, const char *synopsis, size_t index)
{
	char *rest = arena_strdup(a, synopsis), *word;

	while ((word = strsep(&rest, " "))) {
		char *clean = word + strspn(word, "[");

		clean[strcspn(clean, "].")] = '\0';
		if (!*clean || str_eq(clean, "OPTIONS") || str_eq(clean, "--"))
			continue;
		if (index-- == 0)
			return clean;
	}
	return NULL;
}

/* "a|b" as "a b" */
static const char *choices(struct arena *a, const char *word)
{
	char *copy = arena_strdup(a, word);

	for (char *p = copy; *p; p++)
		if (*p == '|')
			*p = ' ';
	return copy;
}

/* Text inside single quotes; special characters get a backslash as well. */
static void quoted(struct str *s, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_add(s, "'\\'");
		else if (strchr(special, *text))
			str_addc(s, '\\');
		str_addc(s, *text);
	}
}

/* ------------------------------------------------------------------------------------- bash */

static void bash_pattern(const char *command, const struct opt *o, struct str *s)
{
	str_addf(s, "\t'%s --%s'", command, o->name);
	if (o->letter)
		str_addf(s, " | '%s -%c'", command, o->letter);
	str_add(s, ") ");
}

static void bash_action(struct arena *a, const char *word, struct str *s)
{
	switch (argument_of(word)) {
	case ARGUMENT_DIR:
		str_add(s,
			"compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n");
		break;
	case ARGUMENT_FILE:
		str_add(s,
			"compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n");
		break;
	case ARGUMENT_ID:
		str_add(s,
			"_bryo_words \"$(\"${COMP_WORDS[0]}\" \"${globals[@]}\" list --quiet 2>/dev/null)\" ;;\n");
		break;
	case ARGUMENT_CHOICE:
		str_addf(s, "_bryo_words '%s' ;;\n", choices(a, word));
		break;
	case ARGUMENT_OTHER:
		str_add(s, ";;\n");
		break;
	}
}

static void bash_values(struct arena *a, const char *command, const struct opt *table,
			struct str *s)
{
	for (const struct opt *o = table; o->name; o++)
		if (takes_value(o)) {
			bash_pattern(command, o, s);
			bash_action(a, o->arg, s);
		}
}

static void bash_options(const char *command, const struct opt *table, struct str *s)
{
	str_addf(s, "\t'%s') _bryo_words '", command);
	for (const struct opt *o = table; o->name; o++)
		if (o->help)
			str_addf(s, "--%s ", o->name);
	str_add(s, "--help' ;;\n");
}

static void bash_positions(struct arena *a, const struct command *c, struct str *s)
{
	for (size_t i = 0; i < POSITIONS; i++) {
		const char *word = synopsis_word(a, c->synopsis, i);

		if (!word || argument_of(word) == ARGUMENT_OTHER)
			continue;
		str_addf(s, "\t'%s %zu') ", c->name, i + 1);
		bash_action(a, word, s);
	}
}

/* Completes prev's value where prev takes one; the pattern tells options with a value apart. */
static const char bash_head[] =
	"# bash completion for bryo, printed by `bryo completion bash`\n"
	"_bryo_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
	"_bryo_value() {\n"
	"\tcase \"$1\" in\n";
static const char bash_middle[] =
	"\t*) return 1 ;;\n"
	"\tesac\n"
	"}\n"
	"_bryo() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal command=- word i n=1 globals=()\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word == -* ]]; then\n"
	"\t\t\tif ! cur='' _bryo_value \"$command $word\"; then\n"
	"\t\t\t\t[[ $command != - ]] || globals+=(\"$word\")\n"
	"\t\t\t\tcontinue\n"
	"\t\t\tfi\n"
	"\t\t\t((i += 1))\n"
	"\t\t\t[[ ${COMP_WORDS[i]} != = ]] || ((i += 1))\n"
	"\t\t\t[[ $command != - ]] || globals+=(\"$word\" \"${COMP_WORDS[i]}\")\n"
	"\t\telif [[ $command == - ]]; then\n"
	"\t\t\tcommand=$word\n"
	"\t\telse\n"
	"\t\t\t((n += 1))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $prev == -* ]] && _bryo_value \"$command $prev\"; then\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ $cur == -* ]]; then\n"
	"\t\tcase $command in\n";

static void bash_print(const struct cli *cli, struct str *s)
{
	const struct command *const *c;

	str_add(s, bash_head);
	bash_values(cli->arena, "-", cli->globals, s);
	for (c = cli->commands; *c; c++)
		bash_values(cli->arena, (*c)->name, (*c)->opts, s);
	str_add(s, bash_middle);
	bash_options("-", cli->globals, s);
	for (c = cli->commands; *c; c++)
		if ((*c)->summary)
			bash_options((*c)->name, (*c)->opts, s);
	str_add(s,
		"\t\tesac\n\t\treturn\n\tfi\n\tif [[ $command == - ]]; then\n\t\t_bryo_words 'help");
	for (c = cli->commands; *c; c++)
		if ((*c)->summary)
			str_addf(s, " %s", (*c)->name);
	str_add(s, "'\n\t\treturn\n\tfi\n\tcase \"$command $n\" in\n");
	for (c = cli->commands; *c; c++)
		if ((*c)->summary)
			bash_positions(cli->arena, *c, s);
	str_add(s, "\tesac\n}\ncomplete -o default -F _bryo bryo\n");
}

/* -------------------------------------------------------------------------------------- zsh */

static const char *zsh_action(struct arena *a, const char *word)
{
	switch (argument_of(word)) {
	case ARGUMENT_DIR:
		return "_files -/";
	case ARGUMENT_FILE:
		return "_files";
	case ARGUMENT_ID:
		return "_bryo_ids";
	case ARGUMENT_CHOICE:
		return arena_printf(a, "(%s)", choices(a, word));
	case ARGUMENT_OTHER:
		break;
	}
	return " ";
}

static void zsh_row(struct arena *a, const struct opt *o, const char *spelling, struct str *s)
{
	str_addf(s, " \\\n\t\t'%s%s%s[", o->kind == OPT_LIST ? "*" : "", spelling,
		 takes_value(o) && spelling[1] == '-' ? "=" : "");
	quoted(s, o->help, "[]:");
	str_addc(s, ']');
	if (takes_value(o)) {
		str_addc(s, ':');
		quoted(s, o->arg, "[]:");
		str_addf(s, ":%s", zsh_action(a, o->arg));
	}
	str_addc(s, '\'');
}

static void zsh_options(struct arena *a, const struct opt *table, struct str *s)
{
	for (const struct opt *o = table; o->name; o++) {
		if (!o->help)
			continue;
		zsh_row(a, o, arena_printf(a, "--%s", o->name), s);
		if (o->letter)
			zsh_row(a, o, arena_printf(a, "-%c", o->letter), s);
	}
	str_add(s, " \\\n\t\t'(-)'{-h,--help}'[show this help]'");
}

static void zsh_print(const struct cli *cli, struct str *s)
{
	const struct command *const *c;

	str_add(s,
		"#compdef bryo\n# zsh completion for bryo, printed by `bryo completion zsh`\n"
		"_bryo_ids() { local -a ids; ids=(${(f)\"$(bryo list --quiet 2>/dev/null)\"}); compadd -a ids }\n"
		"_bryo() {\n\tlocal curcontext=$curcontext state line\n\tlocal -a commands\n\n\t_arguments -C");
	zsh_options(cli->arena, cli->globals, s);
	str_add(s,
		" \\\n\t\t'1: :->command' '*:: :->rest' && return\n\tcase $state in\n\tcommand) commands=(");
	for (c = cli->commands; *c; c++) {
		if (!(*c)->summary)
			continue;
		str_addf(s, "\n\t\t'%s:", (*c)->name);
		quoted(s, (*c)->summary, ":");
		str_addc(s, '\'');
	}
	str_add(s, "); _describe command commands ;;\n\trest) case $words[1] in\n");
	for (c = cli->commands; *c; c++) {
		if (!(*c)->summary)
			continue;
		str_addf(s, "\t%s) _arguments", (*c)->name);
		zsh_options(cli->arena, (*c)->opts, s);
		for (size_t i = 0; i < POSITIONS; i++) {
			const char *word = synopsis_word(cli->arena, (*c)->synopsis, i);

			if (word && argument_of(word) != ARGUMENT_OTHER)
				str_addf(s, " \\\n\t\t'%zu:%s:%s'", i + 1, word,
					 zsh_action(cli->arena, word));
		}
		str_add(s, " \\\n\t\t'*:argument:_files' ;;\n");
	}
	str_add(s,
		"\tesac ;;\n\tesac\n}\n"
		"if [[ $funcstack[1] == _bryo ]]; then _bryo \"$@\"; else compdef _bryo bryo; fi\n");
}

/* ------------------------------------------------------------------------------------- fish */

static void fish_value(struct arena *a, const char *word, struct str *s)
{
	switch (argument_of(word)) {
	case ARGUMENT_DIR:
		str_add(s, " -x -a '(__fish_complete_directories)'");
		break;
	case ARGUMENT_FILE:
		str_add(s, " -r -F");
		break;
	case ARGUMENT_ID:
		str_add(s, " -x -a '(bryo list --quiet 2>/dev/null)'");
		break;
	case ARGUMENT_CHOICE:
		str_addf(s, " -x -a '%s'", choices(a, word));
		break;
	case ARGUMENT_OTHER:
		str_add(s, " -x");
		break;
	}
}

static void fish_options(struct arena *a, const char *when, const struct opt *table, struct str *s)
{
	for (const struct opt *o = table; o->name; o++) {
		if (!o->help)
			continue;
		str_addf(s, "complete -c bryo -n '%s' -l %s", when, o->name);
		if (o->letter)
			str_addf(s, " -s %c", o->letter);
		if (takes_value(o))
			fish_value(a, o->arg, s);
		str_add(s, " -d '");
		quoted(s, o->help, "\\");
		str_add(s, "'\n");
	}
}

static void fish_print(const struct cli *cli, struct str *s)
{
	struct arena *a = cli->arena;

	str_add(s,
		"# fish completion for bryo, printed by `bryo completion fish`\ncomplete -c bryo -f\n");
	fish_options(a, "__fish_use_subcommand", cli->globals, s);
	for (const struct command *const *c = cli->commands; *c; c++) {
		const char *word,
			*when = arena_printf(a, "__fish_seen_subcommand_from %s", (*c)->name);

		if (!(*c)->summary)
			continue;
		str_addf(s, "complete -c bryo -n __fish_use_subcommand -a %s -d '", (*c)->name);
		quoted(s, (*c)->summary, "\\");
		str_add(s, "'\n");
		fish_options(a, when, (*c)->opts, s);
		for (size_t i = 0; i < POSITIONS; i++) {
			word = synopsis_word(a, (*c)->synopsis, i);
			if (!word || argument_of(word) == ARGUMENT_OTHER)
				continue;
			str_addf(s, "complete -c bryo -n '%s'", when);
			fish_value(a, word, s);
			str_addc(s, '\n');
		}
	}
}

static int completion_run(const struct cli *cli, union cli_err *err)
{
	static const struct {
		const char *shell;
		void (*print)(const struct cli *cli, struct str *s);
	} shells[] = { { "bash", bash_print }, { "zsh", zsh_print }, { "fish", fish_print } };
	auto_str struct str text = STR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (!str_eq(shells[i].shell, cli->words[0]))
			continue;
		shells[i].print(cli, &text);
		return out_text(text.p, &err->own);
	}
	return cli_usage(cli, err, "'%s' is not one of bash, zsh, fish", cli->words[0]);
}

const struct command cmd_completion = {
	.name = "completion",
	.summary = "print a completion script for a shell",
	.synopsis = "bash|zsh|fish",
	.about = "In bash: source <(bryo completion bash)\n"
		 "In zsh, after compinit: source <(bryo completion zsh)\n"
		 "In fish: bryo completion fish | source",
	.opts = completion_opts,
	.min_words = 1,
	.max_words = 1,
	.run = completion_run,
};
