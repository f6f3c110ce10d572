package journal

import (
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
)

// keyring holds the aliases of people and the keys of what they said, in
// memory and, where it has a file, there. What is destroyed here is gone.
type keyring struct {
	file *slotFile // nil: memory only

	mu     sync.RWMutex
	slots  map[keyID]*slot // never changed, only replaced
	people map[earshot.ParticipantID]keyID
	owned  map[keyID]map[keyID]bool // person -> keys
	groups map[keyID]map[keyID]bool // group -> keys
}

func newKeyring(file *slotFile, slots []*slot) *keyring {
	k := &keyring{
		file: file, slots: map[keyID]*slot{}, people: map[earshot.ParticipantID]keyID{},
		owned: map[keyID]map[keyID]bool{}, groups: map[keyID]map[keyID]bool{},
	}
	for _, s := range slots {
		k.index(s)
	}
	return k
}

// add keeps new slots; they are on the disk when it returns.
func (k *keyring) add(slots []*slot) error {
	if len(slots) == 0 {
		return nil
	}
	if k.file != nil {
		if err := k.file.write(slots); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range slots {
		k.index(s)
	}
	return nil
}

// destroy overwrites slots. Ids that are not there are no error.
func (k *keyring) destroy(ids []keyID) error {
	if len(ids) == 0 {
		return nil
	}
	k.mu.Lock()
	for _, id := range ids {
		k.unindex(id)
	}
	k.mu.Unlock()
	if k.file == nil {
		return nil
	}
	return k.file.erase(ids)
}

// extend makes the keys of a group last at least until a time.
func (k *keyring) extend(group keyID, until time.Time) error {
	var later []*slot
	k.mu.RLock()
	for id := range k.groups[group] {
		if s := k.slots[id]; s.expires != 0 && s.expires < until.UnixMilli() {
			c := *s
			c.expires = until.UnixMilli()
			later = append(later, &c)
		}
	}
	k.mu.RUnlock()
	return k.add(later) // the file keeps the old slot until the new one is there
}

func (k *keyring) get(id keyID) (*slot, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.slots[id]
	return s, ok
}

func (k *keyring) person(who earshot.ParticipantID) (keyID, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	id, ok := k.people[who]
	return id, ok
}

// name returns who an alias is; the alias itself once that is forgotten.
func (k *keyring) name(alias earshot.ParticipantID) earshot.ParticipantID {
	if id, ok := parseAlias(alias); ok {
		if s, ok := k.get(id); ok && s.person {
			return s.name
		}
	}
	return alias
}

// of returns the keys of what a person said, and of what was said about them.
func (k *keyring) of(person keyID) []keyID {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Collect(maps.Keys(k.owned[person]))
}

// due returns the keys whose time is over.
func (k *keyring) due(now time.Time) (ids []keyID) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for id, s := range k.slots {
		if s.due(now) {
			ids = append(ids, id)
		}
	}
	return ids
}

// unknown returns what is not in use: a crash came between a key and its line.
func (k *keyring) unknown(used map[keyID]bool) (ids []keyID) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for id := range k.slots {
		if !used[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// everybody returns all people.
func (k *keyring) everybody() []keyID {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Collect(maps.Values(k.people))
}

func (k *keyring) len() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.slots)
}

func (k *keyring) index(s *slot) {
	k.slots[s.id] = s
	if s.person {
		k.people[s.name] = s.id
		return
	}
	put(k.owned, s.owner, s.id)
	if s.about != (keyID{}) {
		put(k.owned, s.about, s.id)
	}
	put(k.groups, s.group, s.id)
}

func (k *keyring) unindex(id keyID) {
	s, ok := k.slots[id]
	if !ok {
		return
	}
	delete(k.slots, id)
	if s.person {
		delete(k.people, s.name)
		return
	}
	remove(k.owned, s.owner, id)
	remove(k.owned, s.about, id)
	remove(k.groups, s.group, id)
}

func put(m map[keyID]map[keyID]bool, at, id keyID) {
	if m[at] == nil {
		m[at] = map[keyID]bool{}
	}
	m[at][id] = true
}

func remove(m map[keyID]map[keyID]bool, at, id keyID) {
	if delete(m[at], id); len(m[at]) == 0 {
		delete(m, at)
	}
}
