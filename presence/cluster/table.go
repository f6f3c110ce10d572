package cluster

// table is a map whose order depends on nothing but what was done to it, so
// that a run can be repeated.
type table[K comparable, V any] struct {
	at   map[K]int
	keys []K
	all  []V
}

func (t *table[K, V]) get(k K) (v V) {
	if i, ok := t.at[k]; ok {
		v = t.all[i]
	}
	return v
}

func (t *table[K, V]) set(k K, v V) {
	if i, ok := t.at[k]; ok {
		t.all[i] = v
		return
	}
	if t.at == nil {
		t.at = make(map[K]int)
	}
	t.at[k] = len(t.all)
	t.keys, t.all = append(t.keys, k), append(t.all, v)
}

func (t *table[K, V]) remove(k K) {
	i, ok := t.at[k]
	if !ok {
		return
	}
	last := len(t.all) - 1
	t.keys[i], t.all[i] = t.keys[last], t.all[last]
	t.at[t.keys[i]] = i
	var none V
	t.all[last] = none
	t.keys, t.all = t.keys[:last], t.all[:last]
	delete(t.at, k)
}

func (t *table[K, V]) len() int { return len(t.all) }

// each visits everything there is, last first; f may remove what it visits.
// What f adds may be left out.
func (t *table[K, V]) each(f func(V)) {
	for i := len(t.all) - 1; i >= 0; i-- {
		if i < len(t.all) { // f removed more than its own
			f(t.all[i])
		}
	}
}
