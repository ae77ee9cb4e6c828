// meek's own server.
module circumvent.example/servers/meek

go 1.24.0

require (
	git.torproject.org/pluggable-transports/goptlib.git v1.1.0 // indirect
	git.torproject.org/pluggable-transports/meek.git v0.37.0 // indirect
	golang.org/x/crypto v0.0.0-20200429183012-4b2356b1ed79 // indirect
	golang.org/x/net v0.0.0-20200425230154-ff2c4b7c35a0 // indirect
	golang.org/x/text v0.3.0 // indirect
)

tool git.torproject.org/pluggable-transports/meek.git/meek-server // meek-server
