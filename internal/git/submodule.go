package git

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/trueup-dev/trueup/internal/fault"
)

// submoduleTime bounds the wait for a submodule by those who read a file of it
// and did not say how long to wait. Its fetch goes on.
const submoduleTime = 90 * time.Second

// submodule opens the commit that a submodule is pinned to.
func (f *files) submodule(at string, pinned plumbing.Hash) (*files, error) {
	if f.sealed {
		return nil, fault.New(fault.Denied, "the submodule %s stays closed", at)
	}
	f.once.Do(func() { f.modules, f.modulesErr = f.readModules() })
	if f.modulesErr != nil {
		return nil, fmt.Errorf("open the submodule %s: %w", at, f.modulesErr)
	}
	where, ok := f.modules[at]
	if !ok {
		return nil, fault.New(fault.Invalid, "open the submodule %s: .gitmodules does not name it", at)
	}
	to, err := relative(f.repo.url, where)
	if err != nil {
		return nil, fmt.Errorf("open the submodule %s: %w", at, err)
	}
	m := f.repo.mirrors
	ctx, cancel := context.WithTimeout(cmp.Or(f.within, m.ctx), submoduleTime)
	defer cancel()
	if f.may != nil {
		if err := f.may(ctx, to); err != nil {
			return nil, fmt.Errorf("open the submodule %s: %w", at, err)
		}
	}
	r, err := m.repository(to)
	if err != nil {
		return nil, fmt.Errorf("open the submodule %s from %s: %w", at, Redact(to), err)
	}
	sub, err := r.tree(ctx, wanted{revision: pinned.String()})
	if err != nil {
		return nil, fmt.Errorf("open the submodule %s from %s: %w", at, Redact(to), classify(err))
	}
	sub = sub.restricted(f.may) // the same holds for those within it
	if f.within == nil {
		return sub, nil
	}
	return sub.waiting(f.within), nil
}

const modulesFile = ".gitmodules"

// readModules reads .gitmodules, the file that says where submodules are from.
func (f *files) readModules() (map[string]string, error) {
	root, err := f.directory(f.root)
	if err != nil {
		return nil, err
	}
	e, ok := root.entry(modulesFile)
	switch {
	case !ok:
		return nil, fault.New(fault.Invalid, "there is no file .gitmodules that says where it is from")
	case !e.Plain():
		// A link could lead into the very submodule; Git refuses them as well.
		return nil, fault.New(fault.Invalid, ".gitmodules is no plain file")
	}
	data, err := f.blob(e.Hash, modulesFile)
	if err != nil {
		return nil, err
	}
	read := config.NewModules()
	if err := read.Unmarshal(data); err != nil {
		return nil, fault.New(fault.Invalid, "read .gitmodules: %w", err)
	}
	urls := map[string]string{}
	for _, s := range read.Submodules {
		urls[path.Clean(s.Path)] = s.URL
	}
	return urls, nil
}

// relative gives the URL of a submodule, which may be relative to that of
// the repository that names it.
func relative(parent, to string) (string, error) {
	if strings.HasPrefix(to, "./") || strings.HasPrefix(to, "../") {
		// Cut off the host first: ".." never leads out of it.
		at := strings.Index(parent, "://")
		if at < 0 {
			at = strings.Index(parent, ":") // user@host:path
		} else if slash := strings.Index(parent[at+3:], "/"); slash >= 0 {
			at += 3 + slash
		} else {
			at = len(parent) - 1
		}
		base := parent[at+1:]
		for {
			up, ok := strings.CutPrefix(to, "../")
			if ok {
				if base == "" {
					return "", fault.New(fault.Invalid, "its relative URL leads out of the host")
				}
				base = strings.TrimSuffix(path.Dir("/" + strings.TrimRight(base, "/"))[1:], "/")
				to = up
				continue
			}
			here, ok := strings.CutPrefix(to, "./")
			if !ok {
				break
			}
			to = here
		}
		to = parent[:at+1] + strings.TrimPrefix(base+"/"+to, "/")
	}
	if u, err := url.Parse(to); err == nil && u.Scheme != "" && u.Host == "" && !strings.Contains(to, "@") {
		return "", errScheme(u.Scheme)
	}
	ep, err := transport.NewEndpoint(to)
	if err != nil {
		return "", fault.New(fault.Invalid, "its URL cannot be read")
	}
	switch ep.Protocol {
	case "http", "https", "ssh":
		return to, nil
	}
	return "", errScheme(ep.Protocol)
}

func errScheme(scheme string) error {
	return fault.New(fault.Invalid, "submodules are read over http, https or ssh, not %s", scheme)
}
