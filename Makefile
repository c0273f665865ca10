# `make test` installs what the tests need and runs them all, lab and browser included.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: test check lint unit prepare lab-up lab-down bench

test: prepare lint unit

prepare:
	tests/prepare

lint:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet

unit:
	tests/run

# The data files alone: loads all of them and runs their samples.
check:
	cargo run --locked --quiet -- check

lab-up:
	lab/up

lab-down:
	lab/down

bench:
	cargo bench --locked
