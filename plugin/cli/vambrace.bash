# SPDX-License-Identifier: Apache-2.0
# Completion of vambrace(1) for bash 4.4 and newer, with or without the package bash-completion.
# Commands, what they do and their options are read from the program's own help, so that they are
# always those of the program that is there.

# The first words of the list under "Commands:".
_vambrace_commands()
{
	local line listed=
	while IFS= read -r line; do
		[[ -n $listed && -z $line ]] && return
		[[ -n $listed && $line =~ ^\ \ ([a-z]+) ]] && echo "${BASH_REMATCH[1]}"
		[[ $line == Commands: ]] && listed=1
	done
}

# What may stand behind a command: `vambrace derive dlopen|exec|connect LOG...`.
_vambrace_actions()
{
	local line
	while IFS= read -r line && [[ -n $line ]]; do
		[[ $line =~ vambrace\ [a-z]+\ ([a-z|]+)\  ]] && echo "${BASH_REMATCH[1]//|/$'\n'}"
	done
}

# The options, a line each: short or -, long, and the name of the value, if there is one.
_vambrace_options()
{
	local line
	while IFS= read -r line; do
		[[ $line =~ ^\ \ ((-[a-zA-Z]),\ )?(--[a-z-]+)(\ ([A-Z][A-Z.-]*))? ]] &&
			echo "${BASH_REMATCH[2]:--} ${BASH_REMATCH[3]} ${BASH_REMATCH[5]}"
	done
}

# Offers the words, or with -f and -d files and directories, that begin as what is typed.
_vambrace_offer()
{
	case $1 in
	-f | -d) compopt -o filenames 2>/dev/null ;;
	esac
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen "$@")
}

_vambrace()
{
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} actions help long options='' short value

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_vambrace_offer -W "$("$1" --help 2>/dev/null | _vambrace_commands)
			--help --version" -- "$current"
		return
	fi
	# `--rootfs=DIR` comes in three words.
	if [[ $current == = ]]; then
		current=
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	help=$("$1" "$command" --help 2>/dev/null </dev/null) || return
	while read -r short long value; do
		options+=" $long"
		[[ -n $value && ($before == "$long" || $before == "$short") ]] || continue
		case $value in
		DIR) _vambrace_offer -d -- "$current" ;;
		FILE | MANIFEST) _vambrace_offer -f -- "$current" ;;
		esac
		return
	done < <(_vambrace_options <<<"$help")
	if [[ $current == -* ]]; then
		_vambrace_offer -W "$options" -- "$current"
		return
	fi
	actions=$(_vambrace_actions <<<"$help")
	if ((COMP_CWORD == 2)) && [[ -n $actions ]]; then
		_vambrace_offer -W "$actions" -- "$current"
		return
	fi
	case $command in
	doctor | node | status | why) ;; # no files
	seccomp) _vambrace_offer -W starter -- "$current" ;&
	*) _vambrace_offer -f -- "$current" ;;
	esac
}

complete -F _vambrace vambrace
