package wire

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Wanted is what to bring.
type Wanted struct {
	// Want is a commit or a tag, brought without its history.
	Want plumbing.Hash
	// Have are commits that we hold without their history: what they have
	// is not sent again.
	Have []plumbing.Hash
}

// agent is how we call ourselves.
const agent = "trueup"

// fetch2 asks a server of version 2 for a pack.
func fetch2(a *advert, w Wanted) string {
	var r request
	r.line("command=fetch")
	r.line("agent=%s", agent)
	r.delim()
	// Only for a thin pack does a server look at what is in the commits
	// that we have and that are not ancestors of the one we want.
	r.line("thin-pack")
	r.line("ofs-delta")
	r.line("no-progress")
	if a.can("fetch", "shallow") {
		for _, h := range w.Have {
			r.line("shallow %s", h)
		}
		r.line("deepen 1")
	}
	r.line("want %s", w.Want)
	for _, h := range w.Have {
		r.line("have %s", h)
	}
	r.line("done")
	r.flush()
	return r.String()
}

// answer2 finds the pack in the answer to fetch2, and the commits before it
// whose parents were left out.
func answer2(from io.Reader) (pack io.Reader, cut []plumbing.Hash, err error) {
	p := newPktReader(from)
	for {
		kind, line, err := p.text()
		if err != nil {
			return nil, nil, unexpected(err)
		}
		switch {
		case kind == pktData && line == "packfile":
			return &sideband{from: p}, cut, nil
		case kind == pktFlush, kind == pktResponseEnd:
			return nil, nil, errors.New("the server sent no pack")
		case kind == pktData:
			cut = shallow(cut, line)
		}
	}
}

// shallow adds what a line tells of where history was cut off.
func shallow(cut []plumbing.Hash, line string) []plumbing.Hash {
	id, ok := strings.CutPrefix(strings.TrimSpace(line), "shallow ")
	if !ok || !plumbing.IsHash(id) || len(cut) >= maxRefs {
		return cut
	}
	return append(cut, plumbing.NewHash(id))
}

// fetch0 asks a server of the older protocol.
func fetch0(a *advert, w Wanted) string {
	var features []string
	for _, f := range []string{"side-band-64k", "thin-pack", "ofs-delta", "no-progress"} {
		if a.can(f, "") {
			features = append(features, f)
		}
	}
	shallow := a.can("shallow", "")
	wants := []plumbing.Hash{w.Want}
	if !a.gives(w.Want) {
		// It is somewhere in the history of the branches.
		wants, shallow = a.branches(), false
		w.Have = nil
	}
	if shallow {
		features = append(features, "shallow")
	}
	var r request
	for i, h := range wants {
		if i == 0 {
			r.line("want %s %s agent=%s", h, strings.Join(features, " "), agent)
			continue
		}
		r.line("want %s", h)
	}
	if shallow {
		for _, h := range w.Have {
			r.line("shallow %s", h)
		}
		r.line("deepen 1")
	}
	r.flush()
	for _, h := range w.Have {
		r.line("have %s", h)
	}
	r.line("done")
	return r.String()
}

// gives tells whether a server lets a commit be asked for by its id.
func (a *advert) gives(h plumbing.Hash) bool {
	return a.can("allow-reachable-sha1-in-want", "") || a.can("allow-any-sha1-in-want", "") || a.can("allow-tip-sha1-in-want", "") ||
		slices.ContainsFunc(a.refs, func(r Ref) bool { return r.Hash == h })
}

func (a *advert) branches() []plumbing.Hash {
	var tips []plumbing.Hash
	for _, r := range a.refs {
		if strings.HasPrefix(r.Name, "refs/heads/") && !slices.Contains(tips, r.Hash) {
			tips = append(tips, r.Hash)
		}
	}
	return tips
}

// answer0 finds the pack in the answer to fetch0: after what became shallow
// and what the server found that we have.
func answer0(a *advert, from io.Reader) (pack io.Reader, cut []plumbing.Hash, err error) {
	p := newPktReader(from)
	for {
		if start, err := p.from.Peek(4); err == nil && string(start) == "PACK" {
			return p.from, cut, nil // a server without side-band
		}
		kind, line, err := p.next()
		if err != nil {
			return nil, nil, unexpected(err)
		}
		switch word, _, _ := strings.Cut(string(line), " "); {
		case kind != pktData:
		case word == "shallow":
			cut = shallow(cut, string(line))
		case word == "unshallow", word == "ACK", strings.TrimSpace(word) == "NAK":
		case len(line) > 0 && line[0] <= 3 && a.can("side-band-64k", ""):
			s := &sideband{from: p}
			if err := s.take(line); err != nil {
				return nil, nil, err
			}
			return s, cut, nil
		default:
			return nil, nil, fmt.Errorf("the server does not speak Git's protocol: it sent %.60q in place of a pack", line)
		}
	}
}
