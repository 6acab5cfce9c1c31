package main

import (
	"context"
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// listen serves addr, or the socket that systemd has opened for this process: then the socket outlives a restart, and who
// connects meanwhile waits instead of being turned away. how tells people where addr is set.
func listen(ctx context.Context, addr, how string) (net.Listener, error) {
	given, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("the socket of the service manager can't be used: %w", err)
	}
	for _, l := range given {
		if l != nil {
			return l, nil
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("the address %s can't be used: %w; choose another by %s", addr, reason(err), how)
	}
	return l, nil
}

// tellReady tells systemd that a role does its work, and that it stops as soon as ctx ends; told waits until that has been said,
// if it is to be. Without systemd it does nothing.
func (a *app) tellReady(ctx context.Context) (told func()) {
	a.tellManager(daemon.SdNotifyReady)
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		a.tellManager(daemon.SdNotifyStopping)
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

func (a *app) tellManager(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		a.log.Warn("the service manager was not told", zap.String("state", state), zap.Error(err))
	}
}
