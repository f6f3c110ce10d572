package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pion/webrtc/v4"
)

// Earshot joins a world of an Earshot server as any client does: one POST and
// the control channel. Its listeners offer as many slots as there are talkers,
// so that the server forwards everything, as the other servers do. Nobody
// sends poses.
type Earshot struct {
	URL           string // http or https
	World         string
	KeyID, Secret string // HS256
	Client        *Client
}

var _ Driver = (*Earshot)(nil)

// Open implements Driver. The world is the room; its name is that.
func (e *Earshot) Open(_ context.Context, _ string, media Media) (Room, error) {
	if media == Mixed {
		return nil, errors.New("peer: Earshot does not mix")
	}
	return &earshotRoom{e, media}, nil
}

type earshotRoom struct {
	server *Earshot
	media  Media
}

// Close implements Room.
func (r *earshotRoom) Close() error { return nil }

// Publish implements Room.
func (r *earshotRoom) Publish(ctx context.Context, n int) (*Sender, error) {
	pc, err := r.server.Client.connection(nil)
	if err != nil {
		return nil, err
	}
	id := "talker-" + strconv.Itoa(n)
	sender, err := newSender(pc, r.media, id)
	if err == nil {
		var say []any
		grant := "publish.audio"
		if r.media == Video {
			grant, say = "publish.video", []any{map[string]any{"type": "publish", "source": "camera", "active": true}}
		}
		err = r.join(ctx, pc, id, grant, say...)
	}
	if err != nil {
		return nil, errors.Join(err, pc.Close())
	}
	sender.begin()
	return sender, nil
}

// Subscribe implements Room.
func (r *earshotRoom) Subscribe(ctx context.Context, n, streams int, ear *Ear) (io.Closer, error) {
	pc, err := r.server.Client.connection(ear)
	if err != nil {
		return nil, err
	}
	kind := webrtc.RTPCodecTypeAudio
	if r.media == Video {
		kind = webrtc.RTPCodecTypeVideo
	}
	for range streams {
		if _, err = pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			break
		}
	}
	if err == nil {
		err = r.join(ctx, pc, "listener-"+strconv.Itoa(n), "subscribe")
	}
	if err != nil {
		return nil, errors.Join(err, pc.Close())
	}
	return pc, nil
}

// join joins and says ready, and after that what is to be said.
func (r *earshotRoom) join(ctx context.Context, pc *webrtc.PeerConnection, id, grant string, say ...any) error {
	control, err := openChannels(pc)
	if err != nil {
		return err
	}
	welcome := make(chan struct{}, 1)
	control.OnMessage(func(m webrtc.DataChannelMessage) {
		if earshotType(m.Data) == "welcome" {
			select {
			case welcome <- struct{}{}:
			default:
			}
		}
	})
	sdp, err := offer(ctx, pc)
	if err != nil {
		return err
	}
	token, err := r.server.token(id, grant, time.Now())
	if err != nil {
		return err
	}
	reply, err := r.server.post(ctx, token, sdp)
	if err != nil {
		return err
	}
	if err := accept(pc, reply); err != nil {
		return err
	}
	select {
	case <-welcome:
	case <-ctx.Done():
		return fmt.Errorf("waiting for Earshot's welcome: %w", ctx.Err())
	}
	for _, m := range append([]any{map[string]any{"type": "ready"}}, say...) {
		data, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := control.SendText(string(data)); err != nil {
			return err
		}
	}
	return nil
}

// openChannels adds the data channels that Earshot requires and returns control.
func openChannels(pc *webrtc.PeerConnection) (control *webrtc.DataChannel, err error) {
	negotiated, unordered := true, false
	again := uint16(1)
	for id, label := range []string{"control", "pose-up", "pose-down"} {
		number := uint16(id)
		init := &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &number}
		if id > 0 {
			init.Ordered, init.MaxRetransmits = &unordered, &again
		}
		c, err := pc.CreateDataChannel(label, init)
		if err != nil {
			return nil, err
		}
		if id == 0 {
			control = c
		}
	}
	return control, nil
}

// earshotType is the type of a control message, "" of what is none.
func earshotType(data []byte) string {
	var m struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(data, &m) != nil {
		return ""
	}
	return m.Type
}

func (e *Earshot) token(id, grant string, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": e.KeyID, "sub": id, "name": id, "world": e.World, "kind": "bot", "grants": []string{grant},
		"iat": now.Unix(), "auth_time": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	t.Header["kid"] = e.KeyID
	return t.SignedString([]byte(e.Secret))
}

// maxSDP bounds an answer, in bytes.
const maxSDP = 256 << 10

func (e *Earshot) post(ctx context.Context, token, sdp string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/v1/join", bytes.NewReader([]byte(sdp)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/sdp")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxSDP))
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("Earshot answers %s: %.300s", res.Status, body)
	}
	return string(body), nil
}
