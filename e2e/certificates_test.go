package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// certificates are a test authority and what it signed for localhost, as names
// of PEM files. All are made anew for every run of the tests.
type certificates struct {
	authority         string
	localhost, keyFor string
}

func newCertificates(dir string) (certificates, error) {
	c := certificates{
		authority: filepath.Join(dir, "authority.pem"),
		localhost: filepath.Join(dir, "localhost.pem"),
		keyFor:    filepath.Join(dir, "localhost.key"),
	}
	root := template(1, "edgecsp test authority")
	root.IsCA, root.BasicConstraintsValid = true, true
	root.KeyUsage = x509.KeyUsageCertSign
	site := template(2, "localhost")
	site.DNSNames = []string{"localhost"}
	site.KeyUsage = x509.KeyUsageDigitalSignature
	site.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}

	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	siteKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	if err := sign(c.authority, root, root, rootKey, rootKey); err != nil {
		return c, err
	}
	if err := sign(c.localhost, site, root, siteKey, rootKey); err != nil {
		return c, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(siteKey)
	if err != nil {
		return c, err
	}
	return c, writePEM(c.keyFor, "PRIVATE KEY", der)
}

func template(serial int64, name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}

func sign(file string, what, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, what, by, &key.PublicKey, byKey)
	if err != nil {
		return fmt.Errorf("signing %s: %w", file, err)
	}
	return writePEM(file, "CERTIFICATE", der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
