package agent

import (
	"encoding/json"
	"maps"
	"strings"

	"earshot/gateway/livekit/wire"
)

const (
	// AttributePose says where an agent stands: of a dispatch, or of its agent.
	AttributePose = "earshot.pose"
	// attributes that begin so are Earshot's own, and become the agent's.
	attributePrefix = "earshot."
	// attributeName tells clients which agent it is.
	attributeName = "lk.agent_name"
)

// placeOf returns the pose that a dispatch names, in JSON: by its attribute, or
// by a member of that name of its metadata, since not all SDKs send attributes.
func placeOf(d *wire.AgentDispatch) (text string, said bool) {
	if text, said = d.Attributes[AttributePose]; said {
		return text, true
	}
	var about map[string]json.RawMessage
	if json.Unmarshal([]byte(d.Metadata), &about) != nil || about[AttributePose] == nil {
		return "", false
	}
	if json.Unmarshal(about[AttributePose], &text) == nil {
		return text, true
	}
	return string(about[AttributePose]), true
}

// attributes are those of the agent of j: what its worker says, with what its
// dispatch says of it to Earshot. The worker's own word counts.
func (j *job) attributes(of map[string]string) map[string]string {
	all := make(map[string]string, len(of)+2)
	if j.of != nil {
		for key, value := range j.of.about.Attributes {
			if strings.HasPrefix(key, attributePrefix) {
				all[key] = value
			}
		}
		if text, said := placeOf(&j.of.about); said {
			all[AttributePose] = text
		}
	}
	maps.Copy(all, of)
	if j.group.name != "" {
		all[attributeName] = j.group.name
	}
	return all
}
