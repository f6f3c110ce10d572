package gateway

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"earshot"
)

func TestNewKeysRefuses(t *testing.T) {
	_, public := edKey(t)
	good := Key{ID: "main", Secret: testSecret}
	for name, tc := range map[string]struct {
		keys []Key
		says string
	}{
		"none":                {nil, "none is configured"},
		"no id":               {[]Key{{Secret: testSecret}}, "keys[0]: "},
		"long id":             {[]Key{{ID: strings.Repeat("i", 65), Secret: testSecret}}, "65 bytes"},
		"the server's own id": {[]Key{{ID: "earshot-renewal", Secret: testSecret}}, "choose another"},
		"one id twice":        {[]Key{good, good}, "keys[1]: "},
		"unknown algorithm":   {[]Key{{ID: "a", Algorithm: "RS256", Secret: testSecret}}, `"RS256"`},
		"no secret":           {[]Key{{ID: "a"}}, "secret is missing"},
		"short secret":        {[]Key{{ID: "a", Secret: "sesame, open the door of the 31"}}, "has 31 bytes"},
		"short base64 secret": {[]Key{{ID: "a", Secret: "base64:c2hvcnQ="}}, "has 5 bytes"},
		"broken base64":       {[]Key{{ID: "a", Secret: "base64:!!!"}}, "not base64"},
		"secret and file":     {[]Key{{ID: "a", Secret: testSecret, SecretFile: "x"}}, "keep one"},
		"no such file":        {[]Key{{ID: "a", SecretFile: "no/such/file"}}, "secret_file"},
		"secret for EdDSA":    {[]Key{{ID: "a", Algorithm: AlgorithmEdDSA, Secret: testSecret}}, "not a secret"},
		"PEM for HS256":       {[]Key{{ID: "a", PublicKey: public}}, "algorithm: EdDSA"},
		"no public key":       {[]Key{{ID: "a", Algorithm: AlgorithmEdDSA}}, "public_key is missing"},
		"public key not PEM":  {[]Key{{ID: "a", Algorithm: AlgorithmEdDSA, PublicKey: "MCowBQ"}}, "not PEM"},
		"PEM of nonsense":     {[]Key{{ID: "a", Algorithm: AlgorithmEdDSA, PublicKey: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}}, "not an Ed25519"},
	} {
		_, err := NewKeys(tc.keys)
		if earshot.CodeOf(err) != earshot.CodeInvalidArgument || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: NewKeys = %v, want invalid_argument with %q", name, err, tc.says)
		} else if strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
}

func TestKeysFromFiles(t *testing.T) {
	dir := t.TempDir()
	private, public := edKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := Key{ID: "main", SecretFile: write("secret", testSecret+"\n")}
	signer := Key{ID: "ed", Algorithm: AlgorithmEdDSA, PrivateKeyFile: write("private.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))}
	verifier := Key{ID: "ed", Algorithm: AlgorithmEdDSA, PublicKeyFile: write("public.pem", public)}
	ks, err := NewKeys([]Key{secret, verifier})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []Key{secret, signer} {
		token, _, err := Issue(key, Claims{Subject: "ada", Name: "Ada", World: "plaza", Expires: tokenNow.Add(time.Hour)}, tokenNow)
		if err != nil {
			t.Fatalf("Issue with %s: %v", key.ID, err)
		}
		if _, err := ks.Verify(token, tokenNow); err != nil {
			t.Errorf("Verify with %s: %v", key.ID, err)
		}
	}
}

func TestSecretIsMasked(t *testing.T) {
	k := Key{ID: "main", Secret: testSecret}
	inJSON, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q", k, k, k, k, k), fmt.Sprintf("%#v", k.Secret), string(inJSON), string(inYAML),
	} {
		if strings.Contains(text, testSecret) || !strings.Contains(text, "masked") {
			t.Errorf("%q shows the secret, or does not say that it is masked", text)
		}
	}
	var back Key
	if err := yaml.Unmarshal([]byte("secret: "+testSecret), &back); err != nil || string(back.Secret) != testSecret {
		t.Errorf("reading a secret from YAML = %q, %v", string(back.Secret), err)
	}
}
