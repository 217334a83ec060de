package secret

import (
	"errors"
	"strconv"
	"strings"
)

// Formats without nesting write metadata as paths: age__list_0__map_enc.
const (
	mapMark  = "__map_"
	listMark = "__list_"
)

// unflatten makes the metadata of flat entries.
func unflatten(flat branch) (branch, error) {
	root := map[string]any{}
	for _, it := range flat {
		path, ok := it.key.(string)
		if !ok {
			continue
		}
		steps := strings.Split(strings.NewReplacer(mapMark, "\x00m", listMark, "\x00l").Replace(path), "\x00")
		steps[0] = "m" + steps[0]
		at := root
		for _, step := range steps[:len(steps)-1] {
			next, ok := at[step].(map[string]any)
			if !ok {
				if at[step] != nil {
					return nil, errors.New("the entry sops contradicts itself")
				}
				next = map[string]any{}
				at[step] = next
			}
			at = next
		}
		last := steps[len(steps)-1]
		if at[last] != nil {
			return nil, errors.New("the entry sops contradicts itself")
		}
		at[last] = it.value
	}
	b, ok := nested(root).(branch)
	if !ok {
		return nil, errors.New("the entry sops contradicts itself")
	}
	return b, nil
}

// nested turns steps into branches and lists. Lists are as long as they have
// entries without a gap.
func nested(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return value
	}
	if _, isList := m["l0"]; isList {
		var out list
		for i := 0; ; i++ {
			e, ok := m["l"+strconv.Itoa(i)]
			if !ok {
				return out
			}
			out = append(out, nested(e))
		}
	}
	out := branch{}
	for step, v := range m {
		if key, ok := strings.CutPrefix(step, "m"); ok {
			out = append(out, item{key, nested(v)})
		}
	}
	return out
}
