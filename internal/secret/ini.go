package secret

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/ini.v1"
)

// readINI reads sections of entries; the section sops holds the metadata.
func readINI(data []byte) (b, sops branch, err error) {
	file, err := ini.LoadSources(ini.LoadOptions{AllowNonUniqueSections: true}, data)
	if err != nil {
		return nil, nil, fmt.Errorf("it cannot be read as INI") // err quotes lines
	}
	var meta branch
	for _, section := range file.Sections() {
		entries := branch{}
		if section.Comment != "" {
			entries = append(entries, item{key: iniComment(section.Comment)})
		}
		for _, key := range section.Keys() {
			value := key.Value()
			if section.Name() == "sops" {
				value = strings.ReplaceAll(value, `\n`, "\n")
			}
			entries = append(entries, item{key.Name(), value})
			if key.Comment != "" {
				entries = append(entries, item{key: iniComment(key.Comment)})
			}
		}
		if section.Name() == "sops" {
			meta = append(meta, entries...)
			continue
		}
		b = append(b, item{section.Name(), entries})
	}
	sops, err = unflatten(meta)
	return b, sops, err
}

func iniComment(text string) comment {
	switch {
	case strings.HasPrefix(text, ";"):
		return comment(strings.TrimLeft(text, "; "))
	case strings.HasPrefix(text, "#"):
		return comment(strings.TrimLeft(text, "# "))
	}
	return comment(text)
}

func writeINI(b branch) ([]byte, error) {
	file := ini.Empty(ini.LoadOptions{AllowNonUniqueSections: true})
	file.DeleteSection(ini.DefaultSection)
	for _, it := range b {
		entries, _ := it.value.(branch)
		if it.key == ini.DefaultSection && len(entries) == 0 {
			continue
		}
		section, err := file.NewSection(fmt.Sprint(it.key))
		if err != nil {
			return nil, fmt.Errorf("write the plain text: the section %v is no name", it.key)
		}
		for _, e := range entries {
			if _, err := section.NewKey(fmt.Sprint(e.key), scalarText(e.value)); err != nil {
				return nil, fmt.Errorf("write the plain text: %v is no name", e.key)
			}
		}
	}
	var out bytes.Buffer
	_, err := file.WriteTo(&out)
	return out.Bytes(), err
}
