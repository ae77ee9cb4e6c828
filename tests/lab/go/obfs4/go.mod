// obfs4proxy as it was left in 2023, "0.0.15-dev", from which lyrebird was made.
module circumvent.example/servers/obfs4

go 1.24.0

require (
	filippo.io/edwards25519 v1.0.0 // indirect
	github.com/dchest/siphash v1.2.3 // indirect
	gitlab.com/yawning/edwards25519-extra v0.0.0-20231005122941-2149dcafc266 // indirect
	gitlab.com/yawning/obfs4.git v0.0.0-20231012084234-c3e2d44b1033 // indirect
	gitlab.torproject.org/tpo/anti-censorship/pluggable-transports/goptlib v1.5.0 // indirect
	golang.org/x/crypto v0.14.0 // indirect
	golang.org/x/net v0.17.0 // indirect
	golang.org/x/sys v0.13.0 // indirect
)

tool gitlab.com/yawning/obfs4.git/obfs4proxy // obfs4proxy-0.0.15
