package secret

import "github.com/trueup-dev/trueup/internal/fault"

// combine puts a key together from its parts, by Shamir's scheme over
// GF(2^8): each byte of the key is the value at 0 of a polynomial, of which a
// part holds the value at the place that is its last byte.
func combine(parts [][]byte) ([]byte, error) {
	bad := fault.New(fault.Invalid, "the parts of the data key do not fit each other")
	size := len(parts[0]) - 1
	places := map[byte]bool{}
	for _, p := range parts {
		if len(p) != size+1 || size < 1 || p[size] == 0 || places[p[size]] {
			return nil, bad
		}
		places[p[size]] = true
	}
	out := make([]byte, size)
	for i, p := range parts {
		// Lagrange's weight of this part at 0; minus is plus in this field.
		weight := byte(1)
		for j, q := range parts {
			if i != j {
				weight = times(weight, over(q[size], q[size]^p[size]))
			}
		}
		for at := range out {
			out[at] ^= times(weight, p[at])
		}
	}
	return out, nil
}

// times multiplies in the field of AES, in constant time.
func times(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return product
}

// over divides: the inverse of b is its 254th power.
func over(a, b byte) byte {
	inverse := byte(1)
	for range 254 {
		inverse = times(inverse, b)
	}
	return times(a, inverse)
}
