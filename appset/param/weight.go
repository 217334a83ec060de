package param

import (
	"strconv"

	"github.com/trueup-dev/trueup/internal/fault"
)

// maxWeight bounds one document: a small one can grow without end by aliases,
// and by long names above each other.
const maxWeight = 64 << 20

// Weight is about how many bytes a parameter set takes once it is flat: every
// value under its whole name.
func Weight(set map[string]any) int { return weight(0, set) }

// maxLoad bounds the parameters of one set.
const maxLoad = 256 << 20

// Load adds up the weights of parameter sets.
type Load int

// Add is an error of kind Invalid once it is too much.
func (l *Load) Add(weight int) error {
	if *l += Load(weight); *l > maxLoad {
		return fault.New(fault.Invalid, "the parameters of the set grow beyond %d MiB", maxLoad>>20)
	}
	return nil
}

// bearable refuses a document that would take too much.
func bearable(value any) error {
	if weight(0, value) > maxWeight {
		return fault.New(fault.Invalid, "with aliases and names written out it takes more than %d MiB", maxWeight>>20)
	}
	return nil
}

// weight is that of a value below a name of that many bytes.
func weight(name int, value any) int {
	const each = 64 // what an entry of a map takes besides its texts
	total := each
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			total += weight(name+1+len(key), inner)
		}
	case map[string]string:
		for key, text := range v {
			total += each + name + 1 + len(key) + len(text)
		}
	case []any:
		for i, inner := range v {
			total += weight(name+1+len(strconv.Itoa(i)), inner)
		}
	case []string:
		for _, text := range v {
			total += each + len(text)
		}
	case []map[string]any:
		for _, inner := range v {
			total += weight(name, inner)
		}
	case string:
		total += name + len(v)
	default:
		total += name
	}
	return total
}
