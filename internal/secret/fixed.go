package secret

import "context"

// Fixed are keys that do not change.
type Fixed []Bundle

var _ Keys = Fixed(nil)

// Bundles implements Keys.
func (f Fixed) Bundles(context.Context) ([]Bundle, error) { return f, nil }

// Joined are the keys of several.
type Joined []Keys

var _ Keys = Joined(nil)

// Bundles implements Keys.
func (j Joined) Bundles(ctx context.Context) ([]Bundle, error) {
	var out []Bundle
	for _, k := range j {
		more, err := k.Bundles(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}
