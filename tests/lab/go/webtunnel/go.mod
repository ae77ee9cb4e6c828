// WebTunnel's own server and client.
module circumvent.example/servers/webtunnel

go 1.24.0

require (
	gitlab.torproject.org/tpo/anti-censorship/pluggable-transports/goptlib v1.5.0 // indirect
	gitlab.torproject.org/tpo/anti-censorship/pluggable-transports/webtunnel v0.0.2 // indirect
)

tool (
	gitlab.torproject.org/tpo/anti-censorship/pluggable-transports/webtunnel/main/client // webtunnel-client
	gitlab.torproject.org/tpo/anti-censorship/pluggable-transports/webtunnel/main/server // webtunnel-server
)
