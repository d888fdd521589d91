# The package tests/differential: what pgwarden saw against PostgreSQL's own parser.

# libclang, which reads the C headers of PostgreSQL's parser, comes from PyPI where the system has none.
ensure_libclang() {
    local venv=$root/target/differential/venv found
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        return 0
    fi
    found=$(find "$venv" -name 'libclang.so*' -o -name 'libclang.dylib' 2>/dev/null | head -n 1)
    if [ -z "$found" ]; then
        have python3 || stop "python3 is missing" "install it, or name the folder of libclang in LIBCLANG_PATH"
        note "installing libclang into $venv"
        mkdir -p "$root/target/differential"
        python3 -m venv "$venv" && "$venv/bin/pip" install --quiet libclang==18.1.1 ||
            stop "libclang could not be installed" "install it by hand and name its folder in LIBCLANG_PATH"
        found=$(find "$venv" -name 'libclang.so*' -o -name 'libclang.dylib' | head -n 1)
    fi
    LIBCLANG_PATH=$(dirname "$found")
    export LIBCLANG_PATH
    # The package from PyPI brings no headers of its own.
    if have gcc; then
        BINDGEN_EXTRA_CLANG_ARGS="${BINDGEN_EXTRA_CLANG_ARGS:-} -I$(gcc -print-file-name=include)"
        export BINDGEN_EXTRA_CLANG_ARGS
    fi
}

build_differential() {
    cargo build --quiet --locked --manifest-path tests/differential/Cargo.toml --target-dir target/differential-build
}

# differential WORD..
differential() {
    target/differential-build/debug/pgwarden-differential "$@"
}
