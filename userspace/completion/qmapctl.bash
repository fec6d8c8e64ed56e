# SPDX-License-Identifier: GPL-2.0
# bash completion for qmapctl(8).

_qmapctl_devices() {
    local path
    for path in /sys/class/net/wwan* /dev/cdc-wdm*; do
        [ ! -e "$path" ] || echo "${path##*/}"
    done
}

_qmapctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local -a words=()
    local i
    # What has been typed so far but for options and their values.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -d | --device | --timeout | --link-protocol | --[ud]l-* | --ndp-signature | --qos-header | --flow-control)
            [ "${COMP_WORDS[i + 1]-}" != = ] || ((i++)) # bash takes '=' for a word
            ((i++))
            ;;
        -w | --watch) [ "${COMP_WORDS[i + 1]-}" != = ] || ((i += 2)) ;;
        -*) ;;
        *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done

    [ "$current" != = ] || current=''
    [ "$previous" != = ] || previous=${COMP_WORDS[COMP_CWORD - 2]}
    local values=''
    case $previous in
    -d | --device) values=$(_qmapctl_devices) ;;
    --link-protocol) values='raw-ip 802.3' ;;
    --ul-aggregation | --dl-aggregation) values='off qmap qmapv5' ;;
    --qos-header | --flow-control) values='on off' ;;
    --timeout | --[ud]l-* | --ndp-signature) return ;;
    esac

    if [ -z "$values" ] && [[ $current == -* ]]; then
        values='-h --help --version -d --device --json --dry-run'
        case "${words[*]:0:2}" in
        stats*) values+=' -w --watch' ;;
        setup* | 'wda get') values+=' --timeout' ;;
        'wda set')
            values+=' --timeout --link-protocol --ul-aggregation --dl-aggregation'
            values+=' --ul-max-datagrams --ul-max-size --dl-max-datagrams --dl-max-size'
            values+=' --dl-min-padding --ndp-signature --qos-header'
            values+=' --flow-control'
            ;;
        esac
    elif [ -z "$values" ]; then
        case "${words[*]}" in
        '') values='status setup mode mux link wda monitor stats' ;;
        mode) values='get set' ;;
        mux) values='list add del' ;;
        link) values='up down' ;;
        wda) values='get set' ;;
        'mode set') values='0 1 2 3 4 5 6 7 8' ;;
        'mux add' | 'mux del') values='0x81 0x82 0x83 0x84 0x85 0x86 0x87 0x88' ;;
        'link up' | 'link down') values="1 2 3 4 5 6 7 8 $(_qmapctl_devices)" ;;
        *) values=$(_qmapctl_devices) ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
}

complete -F _qmapctl qmapctl
