package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is one YAML document: decrypted, or left as it is.
type document struct {
	node   *yaml.Node
	branch branch // nil is to be left alone
	head   []comment
	mac    string
	sops   any
}

// openYAML decrypts the documents of a file. SOPS encrypts a file as one, with
// the same MAC in each document; files that were put together from several
// have several.
func openYAML(data []byte, open opener) ([]byte, error) {
	docs, err := readYAML(data)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, d := range docs {
		if d.branch == nil || done[d.mac] {
			continue
		}
		done[d.mac] = true
		var group []branch
		var members []*document
		for _, other := range docs {
			if other.branch != nil && other.mac == d.mac {
				group, members = append(group, other.branch), append(members, other)
			}
		}
		opened, err := open(group, d.sops)
		if err != nil {
			return nil, err
		}
		for i, m := range members {
			m.branch = opened[i]
		}
	}
	if len(done) == 0 {
		return nil, nil
	}
	return writeYAML(docs)
}

func readYAML(data []byte) ([]*document, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var out []*document
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		d := &document{node: &node}
		if b, sops, ok, err := sealedYAML(&node); err != nil {
			return nil, err
		} else if ok {
			d.branch, d.sops, d.head = b, sops, head(b)
			mac, _, _ := sops.cut("mac")
			d.mac = scalarText(mac)
		}
		out = append(out, d)
	}
}

// head are the comments before everything, where they are not encrypted: some
// tell whether a file is to be rendered at all.
func head(b branch) []comment {
	var out []comment
	for _, it := range b {
		c, ok := it.key.(comment)
		if !ok {
			break
		}
		if !strings.HasPrefix(string(c), "ENC[") {
			out = append(out, c)
		}
	}
	return out
}

// ownSealed are the kinds of objects that are encrypted in the cluster too,
// where an operator opens them.
const ownSealed = "SopsSecret"

// sealedYAML reads a document that SOPS encrypted. ok is false for others.
func sealedYAML(node *yaml.Node) (b, sops branch, ok bool, err error) {
	if len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
		return nil, nil, false, nil
	}
	has := false
	content := node.Content[0].Content
	for i := 0; i+1 < len(content); i += 2 {
		has = has || content[i].Value == "sops" && content[i+1].Kind == yaml.MappingNode
		if content[i].Value == "kind" && content[i+1].Value == ownSealed {
			return nil, nil, false, nil
		}
	}
	if !has {
		return nil, nil, false, nil
	}
	b, err = yamlBranch(node, nil, false)
	if err != nil {
		return nil, nil, false, err
	}
	value, b, _ := b.cut("sops")
	sops, ok = value.(branch)
	return b, sops, ok, nil
}

// yamlBranch adds a node's keys to a branch, with the comments in the order in
// which rules look at them. noted says that the node's own are in it already.
func yamlBranch(node *yaml.Node, b branch, noted bool) (branch, error) {
	note := func(texts ...string) {
		for _, c := range notes(texts...) {
			b = append(b, item{key: c})
		}
	}
	if !noted {
		note(node.HeadComment, node.LineComment)
	}
	var err error
	switch node.Kind {
	case yaml.DocumentNode:
		for _, child := range node.Content {
			if b, err = yamlBranch(child, b, false); err != nil {
				return nil, err
			}
		}
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" || seen[key.Value] {
				return nil, fmt.Errorf("line %d: a key of an encrypted file is text, and there once", key.Line)
			}
			seen[key.Value] = true
			note(key.HeadComment, key.LineComment)
			simple := value.Kind == yaml.ScalarNode
			if simple {
				note(value.HeadComment, value.LineComment)
			}
			v, err := yamlValue(value, simple)
			if err != nil {
				return nil, err
			}
			b = append(b, item{key.Value, v})
			if simple {
				note(value.FootComment)
			}
			note(key.FootComment)
		}
	default:
		return nil, fmt.Errorf("line %d: an encrypted document is a mapping", node.Line)
	}
	if !noted {
		note(node.FootComment)
	}
	return b, nil
}

func yamlValue(node *yaml.Node, noted bool) (any, error) {
	switch node.Kind { //nolint:exhaustive // all others are refused below
	case yaml.MappingNode:
		return yamlBranch(node, branch{}, noted)
	case yaml.SequenceNode:
		l := list{}
		note := func(texts ...string) {
			for _, c := range notes(texts...) {
				l = append(l, c)
			}
		}
		if !noted {
			note(node.HeadComment, node.LineComment)
		}
		for _, child := range node.Content {
			note(child.HeadComment, child.LineComment)
			v, err := yamlValue(child, true)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
			note(child.FootComment)
		}
		if !noted {
			note(node.FootComment)
		}
		return l, nil
	case yaml.ScalarNode:
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: a value cannot be read", node.Line) // err may quote it
		}
		return number(value), nil
	}
	return nil, fmt.Errorf("line %d: an encrypted file has no anchors", node.Line)
}

// number makes one type of the integers.
func number(value any) any {
	switch v := value.(type) {
	case int:
		return int64(v)
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	}
	return value
}

// notes are the lines of comments, without the sign.
func notes(texts ...string) []comment {
	var out []comment
	for _, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" {
				out = append(out, comment(line[1:]))
			}
		}
	}
	return out
}

// writeYAML keeps each document at the line where it was, as far as it fits:
// messages name lines.
func writeYAML(docs []*document) ([]byte, error) {
	var out bytes.Buffer
	for _, d := range docs {
		node := d.node
		if d.branch != nil {
			if len(d.branch) == 0 {
				continue
			}
			var err error
			if node, err = yamlNode(d.branch); err != nil {
				return nil, err
			}
		}
		text, err := yaml.Marshal(node)
		if err != nil {
			return nil, fmt.Errorf("write the plain text: %w", err)
		}
		if out.Len() > 0 {
			out.WriteString("---\n")
		}
		for _, c := range d.head {
			out.WriteString("#" + string(c) + "\n")
		}
		if start := firstLine(d.node); start > 0 {
			for bytes.Count(out.Bytes(), []byte("\n")) < start-1 {
				out.WriteByte('\n')
			}
		}
		out.Write(text)
	}
	return out.Bytes(), nil
}

func firstLine(node *yaml.Node) int {
	if len(node.Content) == 0 {
		return node.Line
	}
	return node.Content[0].Line
}

func yamlNode(value any) (*yaml.Node, error) {
	switch v := value.(type) {
	case branch:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for _, it := range v {
			key, value := &yaml.Node{}, it.value
			if err := key.Encode(it.key); err != nil {
				return nil, err
			}
			node, err := yamlNode(value)
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, key, node)
		}
		return out, nil
	case list:
		out := &yaml.Node{Kind: yaml.SequenceNode}
		for _, e := range v {
			node, err := yamlNode(e)
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, node)
		}
		return out, nil
	}
	out := &yaml.Node{}
	return out, out.Encode(value)
}
