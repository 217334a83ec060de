package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/trueup-dev/trueup/internal/registry"
)

// webFileFlags say which files of web servers may be read.
type webFileFlags struct{ schemes, hosts []string }

func (w *webFileFlags) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&w.schemes, "helm-value-file-schemes", nil, "read value files and file parameters of charts from web servers over these schemes (https, http); by default none")
	f.StringSliceVar(&w.hosts, "private-file-hosts", nil, "hosts (HOST or HOST:PORT) of such files that may be at a private address")
}

func (w *webFileFlags) options() (registry.FileOptions, error) {
	for _, scheme := range w.schemes {
		if err := oneOf("--helm-value-file-schemes", scheme, "http", "https"); err != nil {
			return registry.FileOptions{}, err
		}
	}
	if i := slices.IndexFunc(w.hosts, func(host string) bool { return host == "" || strings.ContainsAny(host, "/@ *") }); i >= 0 {
		return registry.FileOptions{}, usagef("--private-file-hosts %q: want HOST or HOST:PORT", w.hosts[i])
	}
	return registry.FileOptions{Schemes: w.schemes, PrivateHosts: w.hosts}, nil
}
