package secret

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// rules tell which values of a file are encrypted: one of six, and by default
// all but those under keys that end with _unencrypted.
type rules struct {
	byKey     func(key string) bool
	byComment *regexp.Regexp
	// found is the answer where something matches.
	found bool
}

const unencryptedSuffix = "_unencrypted"

func newRules(m metadata) (rules, error) {
	var out []rules
	var failures []error
	suffix := func(text string, found bool) {
		if text != "" {
			out = append(out, rules{byKey: func(key string) bool { return strings.HasSuffix(key, text) }, found: found})
		}
	}
	compiled := func(field, text string, use func(*regexp.Regexp)) {
		if text == "" {
			return
		}
		re, err := regexp.Compile(text)
		if err != nil {
			failures = append(failures, fmt.Errorf("sops.%s: %w", field, err))
			return
		}
		use(re)
	}
	suffix(m.UnencryptedSuffix, false)
	suffix(m.EncryptedSuffix, true)
	compiled("unencrypted_regex", m.UnencryptedRegex, func(re *regexp.Regexp) { out = append(out, rules{byKey: re.MatchString}) })
	compiled("encrypted_regex", m.EncryptedRegex, func(re *regexp.Regexp) { out = append(out, rules{byKey: re.MatchString, found: true}) })
	compiled("unencrypted_comment_regex", m.UnencryptedCommentRegex, func(re *regexp.Regexp) { out = append(out, rules{byComment: re}) })
	compiled("encrypted_comment_regex", m.EncryptedCommentRegex, func(re *regexp.Regexp) { out = append(out, rules{byComment: re, found: true}) })
	if len(out) > 1 {
		failures = append(failures, errors.New("the entry sops has more than one rule of what is encrypted"))
	}
	if err := errors.Join(failures...); err != nil {
		return rules{}, err
	}
	if len(out) == 0 {
		suffix(unencryptedSuffix, false)
	}
	return out[0], nil
}

// sealed tells whether the value at a path is encrypted. comments are those
// before it and before each of what it lies in.
func (r rules) sealed(path []string, comments [][]string) bool {
	if r.byKey != nil && slices.ContainsFunc(path, r.byKey) {
		return r.found
	}
	if r.byComment != nil {
		for _, level := range comments {
			if slices.ContainsFunc(level, r.byComment.MatchString) {
				return r.found
			}
		}
	}
	return !r.found
}
