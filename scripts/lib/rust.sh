# The Rust toolchain and its tools.

ensure_cargo() {
    # Some automatic runs have none.
    HOME=${HOME:-$(cd ~ && pwd)}
    export HOME
    if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    have cargo || stop "cargo is not on PATH" "install Rust from https://rustup.rs, then run this again"
    note "$(cargo --version)"
    if ! have cc; then
        note "no C compiler and linker"
        case $(package_manager) in
            apt-get) install_packages gcc libc6-dev ;;
            apk) install_packages gcc musl-dev ;;
            brew) stop "no C compiler" "run \`xcode-select --install\`, then this again" ;;
            *) install_packages gcc ;;
        esac || stop "the C compiler could not be installed" "install gcc or clang"
    fi
}

# ensure_component NAME PROGRAM
ensure_component() {
    if have "$2" && "$2" --version >/dev/null 2>&1; then
        return 0
    fi
    have rustup || stop "\`$2\` is missing, and so is rustup, which could install it" \
        "install the package of your Rust that holds $1"
    note "installing the toolchain's component $1"
    rustup component add "$1"
}

ensure_cargo_deny() {
    if have cargo-deny || [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo-deny" ]; then
        return 0
    fi
    note "installing cargo-deny (once; some minutes)"
    # Its debug information and last bit of speed are of no use here, and cost a third of the time.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --quiet --locked cargo-deny
}
