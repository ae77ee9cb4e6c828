"""The laboratory's wire: a client side, a world side, and a censor between them. Linux, no root.

::

    packet, icmp, fragments     bytes <-> packets; pure
    link                        delay, loss, rate, MTU of one direction; pure, seeded, time is an argument
    stream, flow                what passed on a connection so far; pure
    tls, quic_initial, dns, http    what a censor can read in it; pure
    rule                        Rule, Sight, Verdict: the interface of everything that censors
    blocking, actions           the common form of a rule: scope, trigger, action, residual penalty
    rules/                      triggers and special rules, one module a family
    censor                      flows and rules applied to a packet; counters
    engine                      near link, censor, far link; pure
    namespace, netlink          user and network namespaces without root
    wire                        two TUN devices and the process that copies between them

Everything above ``namespace`` is pure: packets and times go in, packets and times come out, and a seed decides every
chance. So each rule is tried on constructed packets, and a run can be repeated.
"""
