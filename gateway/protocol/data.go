package protocol

// Data are bytes of an application, sent by its server. What they mean is
// between it and its clients. The server sends it.
type Data struct {
	Topic string `json:"topic,omitempty"`
	Data  []byte `json:"data"` // base64
}

func (*Data) serverType() string { return "data" }
