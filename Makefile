# `make help` lists the targets. Options for rebound go in ARGS: make demo ARGS='--seconds 30 --encoder openh264enc'

.PHONY: help demo test test-network bench bench-peers image image-local

help: ## Shows this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

demo: ## Runs a sender and a receiver on this machine and prints the report (options in ARGS)
	scripts/install-deps.sh
	cargo run --release --locked -- demo $(ARGS)

test: ## Format, lints, docs, fuzz targets, unit, integration and property tests
	scripts/install-deps.sh --test
	scripts/peers-venv.sh
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps
	cargo check --locked --manifest-path fuzz/Cargo.toml --target-dir target
	cargo build --locked --manifest-path tests/gst-peers/Cargo.toml
	cargo test --locked

test-network: ## What must be reached over bad networks, made by the kernel (Linux, root; some 6 minutes)
	cargo build --release --locked
	scripts/network-targets.sh

bench: ## Speed of rendering and detection
	scripts/install-deps.sh
	cargo bench --locked $(ARGS)

bench-peers: ## The same video received by rebound and by aiortc (from PyPI), and the ratios
	scripts/install-deps.sh
	cargo build --release --locked
	python3 benches/peers/compare.py $(ARGS)

image: ## Builds the container image `rebound`
	docker build --tag rebound --build-arg REVISION="$$(git rev-parse HEAD)" --build-arg CREATED="$$(date -u +%Y-%m-%dT%H:%M:%SZ)" .

image-local: ## Builds it and runs compose.yaml without Docker or an image registry (Debian 12, root)
	scripts/containers-without-docker.sh
