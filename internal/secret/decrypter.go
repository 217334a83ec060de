package secret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/render"
)

// Options say with what files are opened.
type Options struct {
	Keys Keys
	// Hint tells where a missing key is to be put.
	Hint string
	// Ambient lets the identity of the machine or pod open keys of clouds,
	// for every project. Getenv and ReadFile give what tells that identity.
	Ambient  bool
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
	// Transport reaches Vault and the clouds; nil is the default one.
	Transport http.RoundTripper
	Now       func() time.Time
}

// Decrypter opens what SOPS encrypted. It implements render.Decrypter, and may
// be used by several goroutines.
type Decrypter struct {
	options  Options
	services *services

	mu    sync.Mutex
	rings map[string]versioned // by project
}

type versioned struct {
	print string
	ring  *ring
}

var _ render.Decrypter = (*Decrypter)(nil)

// New makes a Decrypter.
func New(o Options) *Decrypter {
	return &Decrypter{options: o, services: newServices(o), rings: map[string]versioned{}}
}

// Fingerprint implements render.Decrypter. It is made of names and versions,
// not of keys: it may be stored.
func (d *Decrypter) Fingerprint(ctx context.Context, project string) (string, error) {
	_, print, err := d.bundles(ctx, project)
	return print, err
}

func (d *Decrypter) bundles(ctx context.Context, project string) ([]Bundle, string, error) {
	all, err := d.options.Keys.Bundles(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("look for keys: %w", err)
	}
	var mine []Bundle
	var names []string
	for _, b := range all {
		if b.Project == "" || b.Project == project {
			mine = append(mine, b)
			names = append(names, b.Name+"\x00"+b.Version)
		}
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return mine, hex.EncodeToString(sum[:12]), nil
}

// ringOf parses the keys of a project, once for each set of them.
func (d *Decrypter) ringOf(ctx context.Context, project string) (*ring, error) {
	bundles, print, err := d.bundles(ctx, project)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, ok := d.rings[project]; ok && v.print == print {
		return v.ring, nil
	}
	r := &ring{services: d.services}
	for _, b := range bundles {
		r.add(b)
	}
	d.rings[project] = versioned{print, r}
	return r, nil
}

// Decrypt implements render.Decrypter.
func (d *Decrypter) Decrypt(ctx context.Context, project, name string, data []byte) (render.Plain, error) {
	f := detect(name, data)
	if f == formatNone {
		return render.Plain{}, nil
	}
	o := &opening{decrypter: d, ctx: ctx, project: project}
	plain, err := openWith(f, data, o.branches)
	switch {
	case errors.Is(err, errNoKey):
		return render.Plain{}, &render.Locked{Data: data, Err: fault.New(fault.Missing, "decrypt %s: %s", name, o.missing())}
	case err != nil:
		err = fmt.Errorf("decrypt %s: %w", name, err)
		if fault.Of(err) == fault.Transient && !o.asking {
			err = fault.Wrap(fault.Invalid, err)
		}
		return render.Plain{}, err
	}
	return render.Plain{Encrypted: plain != nil, Data: plain, Values: o.values}, nil
}

// opening is the work on one file.
type opening struct {
	decrypter *Decrypter
	ctx       context.Context // an opening lives as long as the call
	project   string

	ring     *ring
	metadata metadata
	values   []string
	// asking is set while others are asked, whose failures may pass.
	asking bool
}

// branches opens what has one set of metadata.
func (o *opening) branches(bs []branch, sops any) ([]branch, error) {
	m, err := parseMetadata(sops)
	if err != nil {
		return nil, err
	}
	o.metadata = m
	o.asking = true
	if o.ring, err = o.decrypter.ringOf(o.ctx, o.project); err != nil {
		return nil, err
	}
	key, err := openDataKey(o.ctx, m, o.ring)
	if err != nil {
		return nil, err
	}
	o.asking = false
	opened, values, err := openBranches(bs, m, key)
	o.values = append(o.values, values...)
	return opened, err
}

func (o *opening) missing() string {
	whose := "there is"
	if o.project != "" {
		whose = "project " + o.project + " has"
	}
	text := fmt.Sprintf("%s no key that opens it; it is encrypted for %s", whose, o.metadata.recipients())
	if hint := o.decrypter.options.Hint; hint != "" {
		text += "; " + hint
	}
	if len(o.ring.problems) > 0 {
		text += "; these keys cannot be used: " + strings.Join(o.ring.problems, "; ")
	}
	return text
}
