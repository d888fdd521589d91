# The package tests/fuzz: libFuzzer over the crate, built with coverage by a nightly toolchain.

fuzz_triple() {
    rustc -vV | awk '/^host:/ { print $2 }'
}

ensure_nightly() {
    if rustup run nightly rustc --version >/dev/null 2>&1; then
        return 0
    fi
    have rustup || stop "rustup is missing, and with it the nightly toolchain" "install it from https://rustup.rs"
    note "installing the nightly toolchain"
    rustup toolchain install --profile minimal nightly || stop "the nightly toolchain could not be installed"
}

ensure_cxx() {
    if have c++ || have g++ || have clang++; then
        return 0
    fi
    note "no C++ compiler, which libFuzzer needs"
    case $(package_manager) in
        apt-get) install_packages g++ ;;
        dnf | zypper) install_packages gcc-c++ ;;
        *) install_packages g++ ;;
    esac || stop "the C++ compiler could not be installed" "install g++ or clang"
}

# No address sanitizer: the crate has no unsafe code, and its own stacks would have to be told to it.
build_fuzz() {
    local coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
    coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
    coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
    # A triple of its own keeps the flags away from build scripts.
    RUSTFLAGS="$coverage -Cllvm-args=-sanitizer-coverage-stack-depth --cfg fuzzing -Ccodegen-units=4" \
        cargo +nightly build --quiet --locked --manifest-path tests/fuzz/Cargo.toml \
        --target-dir target/fuzz-build --target "$(fuzz_triple)"
}

# The labelled statements, one a file, and what stands in the repository.
fuzz_seeds() {
    local target=$1 folder=$2
    mkdir -p "$folder"
    case $target in
        sql)
            have python3 || return 0
            python3 - "$folder" tests/fixtures/sql_cases.jsonl <<'PYTHON'
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
for number, line in enumerate(open(sys.argv[2])):
    (folder / f"case-{number}").write_text(json.loads(line)["sql"])
PYTHON
            ;;
        policy) cp policies/*.toml "$folder" ;;
        *) cp tests/fuzz/seeds/"$target"/* "$folder" ;;
    esac
}

# fuzz TARGET SECONDS SEED: fails on a crash, a hang or too much memory, and leaves the input in target/fuzz/findings.
fuzz() {
    local target=$1 seconds=$2 seed=$3 most=4096
    local dictionary=""
    if [ "$target" = sql ]; then
        dictionary="-dict=tests/fuzz/sql.dict"
    fi
    if [ "$target" = frames ]; then
        most=16384
    fi
    mkdir -p target/fuzz/findings "target/fuzz/corpus/$target"
    fuzz_seeds "$target" "target/fuzz/seeds/$target"
    # shellcheck disable=SC2086
    nice -n 15 "target/fuzz-build/$(fuzz_triple)/debug/$target" $dictionary \
        -seed="$seed" -max_total_time="$seconds" -max_len=$most -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
        -print_final_stats=1 -artifact_prefix="target/fuzz/findings/$target-" \
        "target/fuzz/corpus/$target" "target/fuzz/seeds/$target" >"target/fuzz/$target.log" 2>&1
}

fuzz_figures() {
    awk '/stat::number_of_executed_units/ { units = $2 } /stat::peak_rss_mb/ { rss = $2 }
         /cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
         END { printf "%s inputs, %s edges, %s MB", units, cov, rss }' "target/fuzz/$1.log"
}
