package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"earshot"
	"earshot/gateway/protocol"
	"earshot/presence/cluster"
)

const (
	// maxMade bounds the instances that one participant has at a time.
	maxMade = 5
	// maxInvited bounds who is invited by name; an invitation is for any number.
	maxInvited    = 64
	maxTitleRunes = 64
)

// instanceRequest is the body of POST /v1/worlds/{world}/instances.
type instanceRequest struct {
	Kind     string                  `json:"kind"`
	Title    string                  `json:"title"`
	Capacity int                     `json:"capacity"` // 0: as the world has it
	Group    string                  `json:"group"`
	Invited  []earshot.ParticipantID `json:"invited"`
	Subjects []string                `json:"subjects"` // invited, by sub of tokens of the same issuer
}

// instanceReply is an instance as those are told who may enter it.
type instanceReply struct {
	Instance     earshot.InstanceID `json:"instance"`
	Kind         string             `json:"kind"`
	Title        string             `json:"title,omitempty"`
	Participants int                `json:"participants"`
	Capacity     int                `json:"capacity"`
	URL          string             `json:"url,omitempty"` // of the node that has it, where it is another
	Yours        bool               `json:"yours,omitempty"`
	Invitation   string             `json:"invitation,omitempty"` // only to who made it, once
}

// record makes of r the record of an instance, or says what is wrong.
func (r *instanceRequest) record(claims *Claims, world string, w *WorldConfig) (cluster.InstanceRecord, error) {
	var none cluster.InstanceRecord
	kind, ok := kindOf(r.Kind)
	switch {
	case !ok:
		return none, invalid("kind is %q; it must be friends, private, group, event or dev", clip(r.Kind))
	case kind == cluster.KindPublic:
		return none, invalid("kind is public: those open by themselves")
	case (kind == cluster.KindEvent || kind == cluster.KindDev) && !claims.Can(protocol.GrantDesign):
		return none, missing(protocol.GrantDesign)
	case kind == cluster.KindGroup && !slices.Contains(claims.Groups, r.Group):
		return none, denied("group %q is none of those that your token names", clip(r.Group))
	case kind != cluster.KindGroup && r.Group != "":
		return none, invalid("group is for kind group alone")
	case r.Capacity < 0 || r.Capacity > w.Capacity:
		return none, invalid("capacity is %d; it must be 1 to %d, or 0 for as many as the world has", r.Capacity, w.Capacity)
	case utf8.RuneCountInString(r.Title) > maxTitleRunes || strings.ContainsFunc(r.Title, unprintable):
		return none, invalid("title has %d characters; it may have %d, and no control characters", utf8.RuneCountInString(r.Title), maxTitleRunes)
	}
	guests := reservationRequest{Participants: r.Invited, Subjects: r.Subjects}
	invited, err := guests.guests(claims, maxInvited)
	if err != nil {
		return none, err
	}
	capacity := r.Capacity
	if capacity == 0 {
		capacity = w.Capacity
	}
	return cluster.InstanceRecord{
		Instance: madeID(world, kind), World: world, Kind: kind, State: cluster.Open, Host: claims.Participant(),
		Group: r.Group, Title: r.Title, Invited: invited, Soft: capacity, Hard: capacity,
	}, nil
}

// postInstance makes an instance that is not for everybody.
func (g *Gateway) postInstance(c *fiber.Ctx) error {
	claims, world, err := g.arranging(c)
	if err != nil {
		return err
	}
	if !claims.Can(protocol.GrantHost) {
		return missing(protocol.GrantHost)
	}
	if claims.Instance != "" {
		return denied("the token is for instance %s alone; ask for one that names the world", claims.Instance)
	}
	var ask instanceRequest
	if err := decodeAs(c, &ask, "docs/instances.md"); err != nil {
		return err
	}
	w, _ := g.worldConfig(world)
	r, err := ask.record(claims, world, &w)
	if err != nil {
		return err
	}
	invitation := ""
	if r.Kind == cluster.KindFriends || r.Kind == cluster.KindPrivate || r.Kind == cluster.KindGroup {
		invitation = invitationPrefix + chance(20)
		r.Key = invitationKey(invitation)
	}
	ctx, cancel := context.WithTimeout(context.Background(), joinDeadline)
	defer cancel()
	if err := g.manager.make(ctx, r); err != nil {
		return err
	}
	g.log.Info("an instance was made", "instance", r.Instance, "by", r.Host, "kind", ask.Kind)
	return c.Status(http.StatusCreated).JSON(instanceReply{
		Instance: r.Instance, Kind: kindNames[r.Kind], Title: r.Title, Capacity: r.Hard, Yours: true, Invitation: invitation,
	})
}

// make opens an instance on this node.
func (m *manager) make(ctx context.Context, r cluster.InstanceRecord) error {
	have := 0
	m.mu.Lock()
	for _, o := range m.made {
		if o.Host == r.Host {
			have++
		}
	}
	if have < maxMade {
		m.made[r.Instance] = r
	}
	m.mu.Unlock()
	if have >= maxMade {
		return earshot.Errorf(earshot.CodeResourceExhausted, "you have %d instances here already; each closes %v after the last has left", have, m.g.cfg.Instances.Placement.CloseAfter)
	}
	_, err := m.at(ctx, r.Instance, r.World, true)
	if err != nil {
		m.mu.Lock()
		delete(m.made, r.Instance)
		m.mu.Unlock()
	}
	return err
}

// getInstances lists the instances of a world that the bearer of a token may
// enter, those of other nodes included.
func (g *Gateway) getInstances(c *fiber.Ctx) error {
	claims, world, err := g.arranging(c)
	if err != nil {
		return err
	}
	ctx, cancel := g.brief()
	defer cancel()
	m := g.manager
	list := []instanceReply{}
	for _, r := range m.all(world) {
		if r.State == cluster.Closed || r.Into != "" || claims.Instance != "" && claims.Instance != r.Instance || !m.mayKnow(ctx, claims, r.Instance) {
			continue
		}
		list = append(list, instanceReply{
			Instance: r.Instance, Kind: kindNames[r.Kind], Title: r.Title, Participants: r.Count, Capacity: r.Hard,
			URL: m.urlOf(r.Instance, world), Yours: r.Host == claims.Participant(),
		})
	}
	slices.SortFunc(list, func(a, b instanceReply) int { return strings.Compare(string(a.Instance), string(b.Instance)) })
	return c.JSON(fiber.Map{"instances": list})
}

// all lists the instances of a world: of all nodes that share the store, or here.
func (m *manager) all(world string) (list []cluster.InstanceRecord) {
	if m.spread(world) {
		for _, r := range m.g.fleet.Instances() {
			if r.World == world {
				list = append(list, m.current(r))
			}
		}
	}
	for _, in := range m.g.running() {
		if in.world != world || in.retired.Load() || find(list, in.id) != nil {
			continue
		}
		r := m.record(in)
		if made, ok := m.rules(in.id); ok {
			r = made
		} else if !in.public() {
			r.Kind = cluster.KindPrivate
		}
		r.Count = in.size()
		list = append(list, r)
	}
	return list
}

// deleteInstance ends an instance that somebody made: its maker may.
func (g *Gateway) deleteInstance(c *fiber.Ctx) error {
	claims, err := g.authorize(c)
	if err != nil {
		return err
	}
	id := earshot.InstanceID(strings.Clone(c.Params("id")))
	_, made := madeKind(id)
	r, ok := g.manager.rules(id)
	switch {
	case !made || !ok:
		return earshot.Errorf(earshot.CodeNotFound, "instance %.80q is none that somebody made and that runs", string(id))
	case r.Host != claims.Participant():
		return denied("the instance is somebody else's")
	}
	g.mu.Lock()
	in := g.instances[id]
	g.mu.Unlock()
	if in == nil {
		if g.fleet != nil {
			return g.fleet.elsewhere(id, g.fleet.ownerOf(id))
		}
		return c.SendStatus(http.StatusNoContent)
	}
	in.dissolve()
	return c.SendStatus(http.StatusNoContent)
}

// dissolve sends everybody out and has the instance end.
func (in *Instance) dissolve() {
	in.mu.Lock()
	in.retired.Store(true) // nobody else comes
	all := in.live.Load().all
	in.mu.Unlock()
	for _, s := range all {
		if s.resident == nil {
			s.end(protocol.ReasonKicked, &protocol.Bye{Code: earshot.CodeUnavailable, Message: "who made this instance has closed it"})
		}
	}
}

// guests returns who is meant, without who asks.
func (r *reservationRequest) guests(claims *Claims, most int) ([]earshot.ParticipantID, error) {
	list, err := r.party(claims, most+1)
	if err != nil {
		return nil, err
	}
	return list[1:], nil
}
