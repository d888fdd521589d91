# The platform's package manager, run as root by sudo where we are not root ourselves.

# Prints its name; fails where there is none that we know.
package_manager() {
    local manager
    for manager in apt-get dnf apk pacman zypper brew; do
        if have "$manager"; then
            echo "$manager"
            return 0
        fi
    done
    return 1
}

# Fails rather than wait for a password where nobody can type one.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        note "not root, and no sudo that works without a password: cannot run $*"
        return 1
    fi
}

# install_packages NAME..
install_packages() {
    local manager
    manager=$(package_manager) || return 1
    note "installing by $manager: $*"
    case $manager in
        apt-get)
            # Old lists name packages that the mirrors no longer have.
            as_root apt-get update -q </dev/null >/dev/null || true
            as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -q -o Dpkg::Use-Pty=0 --no-install-recommends "$@" </dev/null >/dev/null
            ;;
        dnf) as_root dnf install -y -q "$@" </dev/null ;;
        apk) as_root apk add --quiet "$@" ;;
        pacman) as_root pacman -Sy --noconfirm --needed "$@" >/dev/null ;;
        zypper) as_root zypper --non-interactive --quiet install "$@" ;;
        brew) brew install --quiet "$@" ;;
    esac
}
