package secret

// opener opens the branches that have one set of metadata.
type opener func(bs []branch, sops any) ([]branch, error)

// openWith gives a file's plain text, or nil where nothing is encrypted after all.
func openWith(f format, data []byte, with opener) ([]byte, error) {
	switch f { //nolint:exhaustive // all others are read as JSON below
	case formatYAML:
		return openYAML(data, with)
	case formatEnv:
		b, sops, err := readEnv(data)
		if err != nil {
			return nil, err
		}
		opened, err := with([]branch{b}, sops)
		if err != nil {
			return nil, err
		}
		return writeEnv(opened[0]), nil
	case formatINI:
		b, sops, err := readINI(data)
		if err != nil {
			return nil, err
		}
		opened, err := with([]branch{b}, sops)
		if err != nil {
			return nil, err
		}
		return writeINI(opened[0])
	}
	all, err := readJSON(data)
	if err != nil {
		if f == formatBinary {
			return nil, nil // text that begins with a brace
		}
		return nil, err
	}
	sops, b, ok := all.cut("sops")
	if kind, _, _ := b.cut("kind"); !ok || kind == ownSealed {
		return nil, nil
	}
	opened, err := with([]branch{b}, sops)
	if err != nil {
		return nil, err
	}
	if text, ok := binary(opened[0]); ok && f == formatBinary {
		return []byte(text), nil
	}
	return writeJSON(opened[0])
}
