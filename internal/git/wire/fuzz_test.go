package wire

import (
	"bytes"
	"io"
	"testing"
)

// FuzzAnswers reads what a hostile server may say; nothing of it may cost
// more than its own length.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("001e# service=git-upload-pack\n0000000eversion 2\n0013fetch=shallow\n0000"))
	f.Add([]byte("004a1111111111111111111111111111111111111111 HEAD\x00symref=HEAD:refs/heads/main0000"))
	f.Add([]byte("00591111111111111111111111111111111111111111 HEAD symref-target:refs/heads/main0000"))
	f.Add([]byte("000dpackfile\n0009\x01PACK0000"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		a, err := readAdvert(newPktReader(bytes.NewReader(data)))
		if err != nil {
			a = &advert{}
		}
		_, _ = readListed(bytes.NewReader(data))
		for _, answer := range []func() (io.Reader, error){
			func() (io.Reader, error) { pack, _, err := answer2(bytes.NewReader(data)); return pack, err },
			func() (io.Reader, error) { pack, _, err := answer0(a, bytes.NewReader(data)); return pack, err },
		} {
			if pack, err := answer(); err == nil {
				_, _ = io.Copy(io.Discard, pack)
			}
		}
	})
}
