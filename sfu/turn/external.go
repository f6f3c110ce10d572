package turn

import "time"

// external is another server with what its credentials are made of.
type external struct {
	External
	secret     secret
	credential string
}

func loadExternal(configured []External) ([]external, error) {
	var all []external
	for _, c := range configured {
		e := external{External: c}
		var err error
		switch {
		case c.SecretFile != "":
			e.secret, err = newSecret(c.SecretFile)
		case c.CredentialFile != "":
			e.credential, err = readLine(c.CredentialFile)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// server returns what a participant is told of it.
func (e *external) server(user string, until time.Time) ICEServer {
	s := ICEServer{URLs: e.URLs, Username: e.Username, Credential: e.credential}
	if e.secret != nil {
		s.Username, s.Credential = e.secret.issue(user, until)
	}
	return s
}
