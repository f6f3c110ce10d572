package wire

import (
	"cmp"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// maxDepth bounds how deep messages lie in messages. LiveKit's go to 6.
	maxDepth = 12
	// maxElements bounds a repeated field: two bytes of input may become a
	// struct of two hundred.
	maxElements = 4096
)

// ErrMalformed is what Unmarshal answers to bytes that are no message of the
// kind, or one beyond the limits above.
var ErrMalformed = errors.New("wire: not a protobuf message of this kind, or one beyond the limits")

// Marshal encodes msg, a pointer to a struct with pb tags, by the rules of
// proto3: zero values are left out unless they lie behind a pointer, and
// numbers of a repeated field are packed. The same message gives the same
// bytes.
func Marshal(msg any) []byte { return appendMessage(nil, reflect.ValueOf(msg).Elem()) }

// Unmarshal decodes data into msg, a pointer to a struct with pb tags. Fields
// that msg does not declare are skipped. The error is ErrMalformed; msg is then
// half filled. Nothing of data is kept.
func Unmarshal(data []byte, msg any) error {
	return decodeMessage(data, reflect.ValueOf(msg).Elem(), maxDepth)
}

// number returns the field number of a struct field, 0 if it has none.
func number(f reflect.StructField) protowire.Number {
	n, _ := strconv.Atoi(f.Tag.Get("pb"))
	return protowire.Number(n)
}

func appendMessage(b []byte, v reflect.Value) []byte {
	t := v.Type()
	for i := range t.NumField() {
		if num := number(t.Field(i)); num != 0 {
			b = appendField(b, num, v.Field(i))
		}
	}
	return b
}

func appendField(b []byte, num protowire.Number, f reflect.Value) []byte {
	switch {
	case f.IsZero():
		return b
	case f.Kind() == reflect.Pointer && f.Elem().Kind() != reflect.Struct:
		return appendSingle(b, num, f.Elem())
	case f.Kind() == reflect.Slice && f.Type().Elem().Kind() != reflect.Uint8:
		return appendRepeated(b, num, f)
	case f.Kind() == reflect.Map:
		return appendMap(b, num, f)
	case f.Kind() == reflect.Slice && f.Len() == 0:
		return b
	}
	return appendSingle(b, num, f)
}

func appendSingle(b []byte, num protowire.Number, v reflect.Value) []byte {
	b = protowire.AppendTag(b, num, wireType(v.Type()))
	switch v.Kind() {
	case reflect.Pointer:
		return protowire.AppendBytes(b, appendMessage(nil, v.Elem()))
	case reflect.String:
		return protowire.AppendString(b, v.String())
	case reflect.Slice:
		return protowire.AppendBytes(b, v.Bytes())
	}
	return appendNumber(b, v)
}

func appendNumber(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		return protowire.AppendVarint(b, protowire.EncodeBool(v.Bool()))
	case reflect.Float32:
		return protowire.AppendFixed32(b, math.Float32bits(float32(v.Float())))
	case reflect.Int32, reflect.Int64:
		return protowire.AppendVarint(b, uint64(v.Int()))
	default:
		return protowire.AppendVarint(b, v.Uint())
	}
}

func appendRepeated(b []byte, num protowire.Number, f reflect.Value) []byte {
	if wireType(f.Type().Elem()) == protowire.BytesType {
		for i := range f.Len() {
			b = appendSingle(b, num, f.Index(i))
		}
		return b
	}
	var packed []byte
	for i := range f.Len() {
		packed = appendNumber(packed, f.Index(i))
	}
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), packed)
}

// appendMap writes an entry per key: a message of the key (1) and the value (2).
func appendMap(b []byte, num protowire.Number, f reflect.Value) []byte {
	keys := f.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.Kind() == reflect.String {
			return cmp.Compare(a.String(), b.String())
		}
		return cmp.Compare(a.Uint(), b.Uint())
	})
	for _, key := range keys {
		entry := appendSingle(appendSingle(nil, 1, key), 2, f.MapIndex(key))
		b = protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), entry)
	}
	return b
}

// wireType returns how a single value of type t is written.
func wireType(t reflect.Type) protowire.Type {
	switch t.Kind() {
	case reflect.Pointer, reflect.String, reflect.Slice:
		return protowire.BytesType
	case reflect.Float32:
		return protowire.Fixed32Type
	}
	return protowire.VarintType
}

func decodeMessage(data []byte, v reflect.Value, depth int) error {
	if depth == 0 {
		return ErrMalformed
	}
	t := v.Type()
	for len(data) > 0 {
		num, typ, n := protowire.ConsumeTag(data)
		if n < 0 {
			return ErrMalformed
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(num, typ, data)
		if size < 0 {
			return ErrMalformed
		}
		for i := range t.NumField() {
			if number(t.Field(i)) == num {
				if err := decodeField(data[:size], typ, v.Field(i), depth); err != nil {
					return err
				}
				break
			}
		}
		data = data[size:]
	}
	return nil
}

// decodeField reads value, the bytes after the tag of a field of type typ.
func decodeField(value []byte, typ protowire.Type, f reflect.Value, depth int) error {
	switch {
	case f.Kind() == reflect.Map:
		return decodeEntry(value, typ, f, depth)
	case f.Kind() == reflect.Slice && f.Type().Elem().Kind() != reflect.Uint8:
		return decodeElements(value, typ, f, depth)
	case f.Kind() == reflect.Pointer:
		if f.IsNil() {
			f.Set(reflect.New(f.Type().Elem()))
		}
		if f.Elem().Kind() != reflect.Struct {
			return decodeSingle(value, typ, f.Elem())
		}
		content, err := content(value, typ)
		if err != nil {
			return err
		}
		return decodeMessage(content, f.Elem(), depth-1)
	}
	return decodeSingle(value, typ, f)
}

func decodeSingle(value []byte, typ protowire.Type, f reflect.Value) error {
	if typ != wireType(f.Type()) {
		return ErrMalformed
	}
	switch f.Kind() {
	case reflect.String:
		text, err := content(value, typ)
		if err != nil || !utf8.Valid(text) {
			return ErrMalformed
		}
		f.SetString(string(text))
	case reflect.Slice:
		data, err := content(value, typ)
		if err != nil {
			return err
		}
		f.SetBytes(slices.Clone(data))
	case reflect.Float32:
		bits, _ := protowire.ConsumeFixed32(value)
		f.SetFloat(float64(math.Float32frombits(bits)))
	default:
		x, _ := protowire.ConsumeVarint(value)
		setNumber(f, x)
	}
	return nil
}

// setNumber cuts x to the width of f, as protobuf has it.
func setNumber(f reflect.Value, x uint64) {
	switch f.Kind() {
	case reflect.Bool:
		f.SetBool(x != 0)
	case reflect.Int32:
		f.SetInt(int64(int32(x)))
	case reflect.Int64:
		f.SetInt(int64(x))
	case reflect.Uint32:
		f.SetUint(uint64(uint32(x)))
	default:
		f.SetUint(x)
	}
}

// decodeElements reads one element of a repeated field, or all that are packed.
func decodeElements(value []byte, typ protowire.Type, f reflect.Value, depth int) error {
	of := f.Type().Elem()
	if typ != protowire.BytesType || wireType(of) == protowire.BytesType {
		return decodeElement(value, typ, f, depth)
	}
	packed, err := content(value, typ)
	if err != nil {
		return err
	}
	for len(packed) > 0 {
		n := protowire.ConsumeFieldValue(1, wireType(of), packed)
		if n < 0 {
			return ErrMalformed
		}
		if err := decodeElement(packed[:n], wireType(of), f, depth); err != nil {
			return err
		}
		packed = packed[n:]
	}
	return nil
}

func decodeElement(value []byte, typ protowire.Type, f reflect.Value, depth int) error {
	if f.Len() == maxElements {
		return ErrMalformed
	}
	element := reflect.New(f.Type().Elem()).Elem()
	if err := decodeField(value, typ, element, depth); err != nil {
		return err
	}
	f.Set(reflect.Append(f, element))
	return nil
}

func decodeEntry(value []byte, typ protowire.Type, f reflect.Value, depth int) error {
	entry, err := content(value, typ)
	if err != nil {
		return err
	}
	key, val := reflect.New(f.Type().Key()).Elem(), reflect.New(f.Type().Elem()).Elem()
	for len(entry) > 0 {
		num, typ, n := protowire.ConsumeTag(entry)
		if n < 0 {
			return ErrMalformed
		}
		size := protowire.ConsumeFieldValue(num, typ, entry[n:])
		if size < 0 {
			return ErrMalformed
		}
		field := entry[n : n+size]
		entry = entry[n+size:]
		switch num {
		case 1:
			err = decodeField(field, typ, key, depth)
		case 2:
			err = decodeField(field, typ, val, depth)
		}
		if err != nil {
			return err
		}
	}
	if val.Kind() == reflect.Pointer && val.IsNil() {
		val.Set(reflect.New(val.Type().Elem()))
	}
	if f.IsNil() {
		f.Set(reflect.MakeMap(f.Type()))
	}
	if f.Len() == maxElements {
		return ErrMalformed
	}
	f.SetMapIndex(key, val)
	return nil
}

// content returns the bytes of a length-delimited value.
func content(value []byte, typ protowire.Type) ([]byte, error) {
	if typ != protowire.BytesType {
		return nil, ErrMalformed
	}
	data, n := protowire.ConsumeBytes(value)
	if n < 0 {
		return nil, ErrMalformed
	}
	return data, nil
}
