package kustomize

import (
	"bytes"
	"strings"
)

// header is what tells an object from others, and the line where its document
// begins.
type header struct {
	group, kind, name, namespace string
	line                         int
}

// groupOf is the group in an apiVersion.
func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// headers reads the headers of YAML documents as people write them, without
// parsing all the rest: a key a line, and metadata in lines of its own. It is
// false for anything else.
func headers(data []byte) (found []header, ok bool) {
	s := headerScan{ok: true}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		s.line(string(bytes.TrimRight(line, " \t\r\n")), number)
	}
	s.end()
	return s.found, s.ok
}

type headerScan struct {
	found  []header
	ok     bool
	at     header
	inside bool // metadata
	indent int  // of what is in metadata, 0 before its first line
}

func (s *headerScan) line(text string, number int) {
	content := strings.TrimLeft(text, " ")
	switch {
	case strings.HasPrefix(text, "---"):
		s.end()
		s.ok = s.ok && text == "---"
		return
	case content == "" || content[0] == '#':
		return
	}
	if s.at.line == 0 {
		s.at.line = number
	}
	indent := len(text) - len(content)
	switch {
	case indent == 0:
		s.inside, s.indent = false, 0
		s.top(content)
	case s.inside:
		s.below(content, indent)
	}
}

// special are the characters with which a key is more than a word.
const special = "\"'{[?&*!<"

// top takes a line that is not indented.
func (s *headerScan) top(content string) {
	key, value, isKey := strings.Cut(content, ":")
	switch {
	case !isKey || strings.ContainsAny(key, special):
		s.ok = s.ok && strings.HasPrefix(content, "- ") // a list below a key
	case key == "apiVersion":
		s.at.group = groupOf(s.scalar(value))
	case key == "kind":
		s.at.kind = s.scalar(value)
		s.ok = s.ok && !strings.HasSuffix(s.at.kind, "List")
	case key == "metadata":
		s.inside = true
		s.ok = s.ok && strings.TrimSpace(value) == ""
	}
}

// below takes a line of metadata.
func (s *headerScan) below(content string, indent int) {
	if s.indent == 0 {
		s.indent = indent
	}
	if indent != s.indent {
		return
	}
	key, value, _ := strings.Cut(content, ":")
	switch key {
	case "name":
		s.at.name = s.scalar(value)
	case "namespace":
		s.at.namespace = s.scalar(value)
	}
	s.ok = s.ok && !strings.ContainsAny(key, special)
}

func (s *headerScan) end() {
	if s.at.line > 0 {
		s.found = append(s.found, s.at)
		s.ok = s.ok && s.at.kind != ""
	}
	s.at, s.inside, s.indent = header{}, false, 0
}

// scalar reads a plain value, or one in simple quotes.
func (s *headerScan) scalar(value string) string {
	value, _, _ = strings.Cut(value, " #")
	value = strings.TrimSpace(value)
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	s.ok = s.ok && !strings.ContainsAny(value, "\"'\\{}[]&*!|>%@`")
	return value
}
