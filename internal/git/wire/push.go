package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Update is what becomes of one ref.
type Update struct {
	// Name is the full name of the ref.
	Name string
	// Old is what the ref must be for the update to happen; zero is that it
	// must not be there.
	Old, New plumbing.Hash
	// Pack holds what the server may not have.
	Pack []byte
}

// Push updates a ref. One that is something else by now than the update says is
// fault.Conflict; what the server does not permit is fault.Denied, with what
// it says.
func (r *Remote) Push(ctx context.Context, auth Auth, u Update) error {
	return r.watched(ctx, func(ctx context.Context, w *watch) (err error) {
		r.Close() // a connection that waited may be dead, and nothing is sent twice
		c, err := r.deliver(ctx, auth, w)
		if err != nil {
			return err
		}
		defer func() { c.end(err == nil) }()
		a, err := c.greet(ctx)
		if err != nil {
			return err
		}
		if a.version2 {
			return errors.New("the server does not take pushes in the protocol of version 0")
		}
		for _, ref := range a.refs {
			if ref.Name == u.Name && ref.Hash != u.Old {
				return fault.New(fault.Conflict, "%s is at %s already", u.Name, ref.Hash.String()[:7])
			}
		}
		answer, err := c.ask(ctx, u.request(a))
		if err != nil {
			return err
		}
		defer answer.Close() //nolint:errcheck // what is wrong with it was found while reading
		return u.outcome(a, answer)
	})
}

// deliver begins a conversation with what takes packs.
func (r *Remote) deliver(ctx context.Context, auth Auth, w *watch) (conversation, error) {
	if r.at.Protocol == "ssh" {
		return r.overSSH(ctx, auth, w, receivePack)
	}
	c, err := r.overHTTP(ctx, auth, w)
	if err != nil {
		return nil, err
	}
	c.service = receivePack
	return c, nil
}

func (u Update) request(a *advert) string {
	features := []string{"report-status"}
	for _, f := range []string{"side-band-64k", "quiet"} {
		if a.can(f, "") {
			features = append(features, f)
		}
	}
	if _, ok := a.capabilities["agent"]; ok {
		features = append(features, "agent="+agent)
	}
	var r request
	r.line("%s %s %s\x00 %s", u.Old, u.New, u.Name, strings.Join(features, " "))
	r.flush()
	r.Write(u.Pack)
	return r.String()
}

// outcome reads what became of the update.
func (u Update) outcome(a *advert, from io.Reader) error {
	p := newPktReader(from)
	said := &firstWords{}
	if a.can("side-band-64k", "") {
		p = newPktReader(&sideband{from: p, said: said})
	}
	told := func(reason string) error {
		if text := said.String(); text != "" {
			reason += ": " + text
		}
		return rejection(reason)
	}
	for done := false; ; {
		kind, line, err := p.text()
		switch {
		case errors.Is(err, io.EOF) && done:
			return nil
		case err != nil:
			return unexpected(err)
		case kind != pktData && done:
			return nil
		case kind != pktData:
			return errors.New("the server does not say what became of the push")
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "unpack" && rest != "ok":
			return told("the server could not unpack it: " + rest)
		case word == "ok" && rest == u.Name:
			done = true
		case word == "ng":
			_, reason, _ := strings.Cut(rest, " ")
			return told(reason)
		}
	}
}

// rejection gives a server's reason its kind.
func rejection(reason string) error {
	lower := strings.ToLower(reason)
	for _, word := range []string{"fetch first", "non-fast-forward", "stale", "failed to update ref", "already exists", "reference already"} {
		if strings.Contains(lower, word) {
			return fault.New(fault.Conflict, "the server refuses the push: %s", reason)
		}
	}
	return fault.Wrap(fault.Denied, fmt.Errorf("the server refuses the push: %s", reason))
}
