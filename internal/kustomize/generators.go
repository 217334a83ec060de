package kustomize

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// Kustomize quotes everything that a generator takes where one entry of it is
// wrong, and what a Secret is made of must not be read in an error. So all that
// it can find fault with is looked for before, and told by its place alone.

// checkGenerators looks at what becomes ConfigMaps and Secrets.
func (l *layout) checkGenerators(k *kustomization) {
	for i, g := range k.ConfigMapGenerator {
		l.checkSources(k, fmt.Sprintf("configMapGenerator[%d].", i), g.KvPairSources)
	}
	for i, g := range k.SecretGenerator {
		l.checkSources(k, fmt.Sprintf("secretGenerator[%d].", i), g.KvPairSources)
	}
}

// generates reports the kinds of plugins that do the same.
func generates(kind string) bool { return kind == "ConfigMapGenerator" || kind == "SecretGenerator" }

// checkGenerator looks at the configuration of such a plugin.
func (l *layout) checkGenerator(k *kustomization, r *resource.Resource) {
	at := strings.TrimSuffix(r.GetKind()+" "+r.GetName(), " ") + ": "
	var g types.GeneratorArgs
	text, err := r.AsYAML()
	if err == nil {
		err = yaml.Unmarshal(text, &g)
	}
	if err != nil {
		l.fail(k, "%sits fields cannot be read: one of them has another type", at)
		return
	}
	l.checkSources(k, at, g.KvPairSources)
}

// checkSources looks at what one generator takes, in the order in which
// kustomize does. at is what the names of its fields follow.
func (l *layout) checkSources(k *kustomization, at string, s types.KvPairSources) {
	seen := map[string]string{}
	takes := func(key, place string) {
		if first, ok := seen[key]; ok {
			l.fail(k, "%s repeats the key of %s", place, first)
			return
		}
		seen[key] = place
	}
	for i, file := range s.EnvSources {
		place := fmt.Sprintf("%senvs[%d]", at, i)
		called := shown(file)
		if key, _, ok := strings.Cut(file, "="); ok {
			called = "the file " + shown(key) + "=..." // rather a literal that went astray
		}
		if to, ok := l.checkSource(k, place, file, called); ok {
			l.checkEnv(k, place, to, takes)
		}
	}
	for i, literal := range s.LiteralSources {
		place := fmt.Sprintf("%sliterals[%d]", at, i)
		switch key, _, ok := strings.Cut(literal, "="); {
		case !ok:
			l.fail(k, "%s has no =; want KEY=VALUE", place)
		case key == "":
			l.fail(k, "%s has no key before the =; want KEY=VALUE", place)
		default:
			takes(key, place)
		}
	}
	for i, source := range s.FileSources {
		place := fmt.Sprintf("%sfiles[%d]", at, i)
		key, file, named := strings.Cut(source, "=")
		called := "the file of the key " + shown(key)
		if !named {
			key, file, called = path.Base(source), source, shown(source)
		}
		switch {
		case named && key == "":
			l.fail(k, "%s has no key before the =; want KEY=FILE", place)
			continue
		case strings.Contains(file, "="):
			l.fail(k, "%s has more than one =; want KEY=FILE, neither of them with a =", place)
			continue
		}
		if _, ok := l.checkSource(k, place, file, called); ok {
			takes(key, place)
		}
	}
}

// checkSource looks at a file that becomes a value as it is. called is what
// people are told of it. It is false where there is nothing to read.
func (l *layout) checkSource(k *kustomization, place, file, called string) (to string, ok bool) {
	switch {
	case file == "":
		l.fail(k, "%s names no file", place)
		return "", false
	case fetched(file):
		l.fail(k, "%s: %s is a file on a web server, which nothing pins; copy it into the repository", place, called)
		return "", false
	}
	to, err := l.withinAs(k.dir, file, called)
	if err != nil {
		l.fail(k, "%s: %w", place, err)
		return "", false
	}
	l.files.text[to] = true
	switch info, err := l.files.stat(to); {
	case errors.Is(err, fs.ErrNotExist):
		l.fail(k, "%s: %s is not there", place, called)
	case err != nil:
		l.failed(k, err)
	case info.IsDir():
		l.fail(k, "%s: %s is a folder", place, called)
	default:
		return to, true
	}
	return "", false
}

// checkEnv looks at the lines of a file with KEY=VALUE in each of them. A line
// without = is a key to kustomize, and as likely a part of a value: it is told
// by its number.
func (l *layout) checkEnv(k *kustomization, place, file string, takes func(key, place string)) {
	data, err := l.files.content(file)
	if err != nil {
		l.failed(k, err)
		return
	}
	lines := bufio.NewScanner(bytes.NewReader(data)) // as kustomize reads it
	for number := 1; lines.Scan(); number++ {
		line := lines.Bytes()
		at := fmt.Sprintf("%s: %s:%d", place, l.files.title(file), number)
		if !utf8.Valid(line) {
			l.fail(k, "%s is not UTF-8", at)
			continue
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		line = bytes.TrimLeftFunc(line, unicode.IsSpace)
		if key, _, _ := strings.Cut(string(line), "="); key != "" && key[0] != '#' {
			takes(key, at)
		}
	}
}
