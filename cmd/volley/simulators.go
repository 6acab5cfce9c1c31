package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/volleysms/volley/providers/providertest/gateway"
)

// simulators are the four simulated gateways, each on a port of its own.
type simulators []*gateway.Gateway

// startSimulators starts them; listen is "host:port" of the first, the others follow on the next ports, and port 0 is a free
// one for each. The host is the loopback's unless open. Faults are in the form of --fault. reports says what they tell of
// messages later.
func startSimulators(listen string, open bool, faults []string, keep int, reports gateway.ReportPlan) (simulators, error) {
	o := gateway.Options{Keep: keep, Reports: reports}
	dialects := []gateway.Dialect{gateway.GatewayAPI{}, gateway.MGage{}, gateway.MTTM{}, gateway.Ogangi{}}
	for _, f := range faults {
		parsed, err := gateway.ParseFault(f)
		if err != nil {
			return nil, invalid("--fault: %w", err)
		}
		if p := parsed.Provider; p != "" && !slices.ContainsFunc(dialects, func(d gateway.Dialect) bool { return d.Provider() == p }) {
			return nil, invalid("--fault %s: there is no simulated %q: it is gatewayapi, mgage, mttm or ogangi", f, p)
		}
		o.Faults = append(o.Faults, parsed)
	}
	host, port, err := simulatorAddress(listen, open)
	if err != nil {
		return nil, err
	}
	var s simulators
	for i, d := range dialects {
		g := gateway.New(d, o)
		p := port
		if p != 0 {
			p += i
		}
		addr := net.JoinHostPort(host, strconv.Itoa(p))
		if err := g.Start(addr); err != nil {
			return nil, errors.Join(fmt.Errorf("the simulated %s can't listen on %s: %w; choose another port by --listen", d.Provider(), addr, reason(err)), s.close())
		}
		s = append(s, g)
	}
	return s, nil
}

// simulatorAddress takes an address of this machine apart. The simulated gateways have no real credentials, and so are on
// the loopback unless somebody asks for more, as a network of containers has to.
func simulatorAddress(listen string, open bool) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	ip := net.ParseIP(host)
	if err == nil && open && host == "" {
		ip = net.IPv4zero
	}
	if err != nil || port < 0 || port > 65532 || ip == nil || !open && !ip.IsLoopback() {
		return "", 0, invalid("--listen is an address on the loopback such as 127.0.0.1:8099, and not %q", listen)
	}
	return host, port, nil
}

func (s simulators) close() error {
	var errs []error
	for _, g := range slices.Backward(s) {
		errs = append(errs, g.Close())
	}
	return errors.Join(errs...)
}

// yaml is a configuration for the simulated gateways: an account at each, with the provider's name.
func (s simulators) yaml(redisURL string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "redis:\n  url: %s\naccounts:\n", redisURL)
	for _, g := range s {
		settings := g.Dialect().Account()
		fmt.Fprintf(&b, "  %s:\n    provider: %s\n    base_url: %s\n", g.Dialect().Provider(), g.Dialect().Provider(), g.URL())
		for _, k := range slices.Sorted(maps.Keys(settings)) {
			if k != "provider" {
				fmt.Fprintf(&b, "    %s: %q\n", k, settings[k])
			}
		}
	}
	b.WriteString("routes:\n  default: [")
	for i, g := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(g.Dialect().Provider())
	}
	b.WriteString("]\n")
	return b.String()
}
