package wire

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/trueup-dev/trueup/internal/fault"
)

// Ref is a name that a repository has.
type Ref struct {
	Name string
	Hash plumbing.Hash
	// Peeled is what an annotated tag is about in the end; zero for others.
	Peeled plumbing.Hash
	// Target is the name that a symbolic ref stands for.
	Target string
}

// maxRefs bounds what a server can have us remember.
const maxRefs = 2_000_000

// advert is how a server greets.
type advert struct {
	version2 bool
	// capabilities have values with a name only: "fetch=shallow filter".
	capabilities map[string]string
	// refs are all there are, before version 2.
	refs []Ref
}

// can tells that a feature is among the words of a capability's value.
func (a *advert) can(capability, feature string) bool {
	value, ok := a.capabilities[capability]
	return ok && (feature == "" || slices.Contains(strings.Fields(value), feature))
}

func readAdvert(p *pktReader) (*advert, error) {
	kind, line, err := p.text()
	if err != nil {
		return nil, unexpected(err)
	}
	if strings.HasPrefix(line, "# service=") {
		if kind, _, err = p.next(); err == nil && kind != pktFlush {
			err = errors.New("the server does not speak Git's protocol: no end of its first line")
		}
		if err == nil {
			kind, line, err = p.text()
		}
		if err != nil {
			return nil, unexpected(err)
		}
	}
	a := &advert{capabilities: map[string]string{}}
	switch line {
	case "version 2":
		a.version2 = true
		return a, a.readCapabilities(p)
	case "version 1":
		if kind, line, err = p.text(); err != nil {
			return nil, unexpected(err)
		}
	}
	return a, a.readRefs(p, kind, line)
}

func (a *advert) readCapabilities(p *pktReader) error {
	for {
		kind, line, err := p.text()
		if err != nil {
			return unexpected(err)
		}
		if kind != pktData {
			break
		}
		name, value, _ := strings.Cut(line, "=")
		a.capabilities[name] = value
	}
	return a.checkFormat()
}

func (a *advert) checkFormat() error {
	if format, ok := a.capabilities["object-format"]; ok && format != "sha1" {
		return fault.New(fault.Invalid, "the repository names objects by %s; only sha1 is supported", format)
	}
	return nil
}

// readRefs reads an advertisement of protocol 0 or 1: the first line carries
// the capabilities.
func (a *advert) readRefs(p *pktReader, kind pktKind, line string) error {
	targets := map[string]string{}
	line, caps, _ := strings.Cut(line, "\x00")
	for _, c := range strings.Fields(caps) {
		name, value, _ := strings.Cut(c, "=")
		if from, to, ok := strings.Cut(value, ":"); ok && name == "symref" {
			targets[from] = to
			continue
		}
		a.capabilities[name] = value
	}
	if err := a.checkFormat(); err != nil {
		return err
	}
	for kind == pktData {
		if err := a.readRef(line, targets); err != nil {
			return err
		}
		var err error
		if kind, line, err = p.text(); err != nil {
			return unexpected(err)
		}
	}
	return nil
}

func (a *advert) readRef(line string, targets map[string]string) error {
	id, name, ok := strings.Cut(line, " ")
	if id == "shallow" {
		return nil
	}
	if !ok || !plumbing.IsHash(id) {
		return fmt.Errorf("the server does not speak Git's protocol: no ref is in %q", line)
	}
	hash := plumbing.NewHash(id)
	peeled, isPeeled := strings.CutSuffix(name, "^{}")
	switch last := len(a.refs) - 1; {
	case name == "capabilities^{}":
	case isPeeled:
		if last >= 0 && a.refs[last].Name == peeled {
			a.refs[last].Peeled = hash
		}
	case last+2 > maxRefs:
		return fault.New(fault.Invalid, "the repository has more than %d refs", maxRefs)
	default:
		a.refs = append(a.refs, Ref{Name: name, Hash: hash, Target: targets[name]})
	}
	return nil
}

// listRefs asks a server of version 2 for the refs below some prefixes.
func listRefs(prefixes []string) string {
	var r request
	r.line("command=ls-refs")
	r.line("agent=%s", agent)
	r.delim()
	r.line("peel")
	r.line("symrefs")
	for _, prefix := range prefixes {
		r.line("ref-prefix %s", prefix)
	}
	r.flush()
	return r.String()
}

// readListed reads the answer to listRefs.
func readListed(from io.Reader) ([]Ref, error) {
	p := newPktReader(from)
	var refs []Ref
	for {
		kind, line, err := p.text()
		if err != nil {
			return nil, unexpected(err)
		}
		if kind != pktData {
			return refs, nil
		}
		fields := strings.Split(line, " ")
		if len(fields) < 2 {
			return nil, fmt.Errorf("the server does not speak Git's protocol: no ref is in %q", line)
		}
		if fields[0] == "unborn" {
			continue
		}
		if !plumbing.IsHash(fields[0]) {
			return nil, fmt.Errorf("the server does not speak Git's protocol: no ref is in %q", line)
		}
		ref := Ref{Name: fields[1], Hash: plumbing.NewHash(fields[0])}
		for _, f := range fields[2:] {
			if id, ok := strings.CutPrefix(f, "peeled:"); ok {
				ref.Peeled = plumbing.NewHash(id)
			}
			if to, ok := strings.CutPrefix(f, "symref-target:"); ok {
				ref.Target = to
			}
		}
		if refs = append(refs, ref); len(refs) > maxRefs {
			return nil, fault.New(fault.Invalid, "the repository has more than %d refs", maxRefs)
		}
	}
}
