package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	errNotSealed = errors.New("it is not encrypted, although the file says that it is")
	errChanged   = errors.New("it does not open with the file's data key: it was changed or moved")
)

// openValue decrypts one value. where is authenticated with it: a value that
// is moved to another place does not open. Errors never hold the value.
func openValue(sealed string, key []byte, where string) (any, error) {
	if sealed == "" {
		return "", nil // SOPS leaves empty text as it is
	}
	data, iv, tag, kind, ok := parseSealed(sealed)
	if !ok {
		return nil, errNotSealed
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the data key is not one: %w", err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(iv))
	if err != nil {
		return nil, errChanged
	}
	text, err := gcm.Open(nil, iv, append(data, tag...), []byte(where))
	if err != nil {
		return nil, errChanged
	}
	return typed(string(text), kind)
}

func parseSealed(sealed string) (data, iv, tag []byte, kind string, ok bool) {
	rest, ok := strings.CutPrefix(sealed, "ENC[AES256_GCM,data:")
	if !ok {
		return nil, nil, nil, "", false
	}
	rest, ok = strings.CutSuffix(rest, "]")
	if !ok {
		return nil, nil, nil, "", false
	}
	parts := make([][]byte, 0, 3)
	for _, next := range []string{",iv:", ",tag:", ",type:"} {
		part, after, found := strings.Cut(rest, next)
		raw, err := base64.StdEncoding.DecodeString(part)
		if !found || err != nil {
			return nil, nil, nil, "", false
		}
		parts, rest = append(parts, raw), after
	}
	return parts[0], parts[1], parts[2], rest, len(parts[1]) > 0
}

// typed gives a decrypted text the type that it had.
func typed(text, kind string) (value any, err error) {
	switch kind {
	case "str", "bytes":
		return text, nil
	case "int":
		value, err = strconv.ParseInt(text, 10, 64)
	case "float":
		value, err = strconv.ParseFloat(text, 64)
	case "bool":
		value, err = strconv.ParseBool(text)
	case "time":
		value, err = time.Parse(time.RFC3339Nano, text)
	case "comment":
		return comment(text), nil
	default:
		return nil, fmt.Errorf("its type %q is not known", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("it is not of the type %s that it is said to have", kind) // err would quote it
	}
	return value, nil
}

// macText is what of a value goes into the MAC.
func macText(value any) []byte {
	switch v := value.(type) {
	case string:
		return []byte(v)
	case int64:
		return strconv.AppendInt(nil, v, 10)
	case uint64:
		return strconv.AppendUint(nil, v, 10)
	case float64:
		return strconv.AppendFloat(nil, v, 'f', -1, 64)
	case bool:
		if v {
			return []byte("True")
		}
		return []byte("False")
	case time.Time:
		text, _ := v.MarshalText() // fails for the year 10000
		return text
	}
	return nil
}
