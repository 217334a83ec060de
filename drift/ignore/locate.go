package ignore

import "github.com/trueup-dev/trueup/drift/jq"

// Locate finds where a path, as reports print it, leads in an object: keys of
// maps are strings, places in lists are ints. It is not ok where the path
// leads nowhere, or to several places. shared is how many of the first steps
// lead to something in other as well.
func Locate(path string, object, other map[string]any) (place []any, shared int, ok bool) {
	p, err := parsePattern(path)
	if err != nil {
		return nil, 0, false
	}
	p.literally()
	found, err := p.find(&jq.Input{Object: object})
	if err != nil || len(found) != 1 {
		return nil, 0, false
	}
	for shared = 0; shared < len(p); shared++ {
		there, err := p[:shared+1].find(&jq.Input{Object: other})
		if err != nil || len(there) == 0 {
			break
		}
		if v := at(other, there[0]); v == nil {
			break
		}
	}
	return found[0], shared, true
}

// At is what stands at a place that Locate found; nil where there is nothing.
func At(object map[string]any, place []any) any {
	v := at(object, place)
	return v
}
