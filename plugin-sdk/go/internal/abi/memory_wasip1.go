package abi

import "unsafe"

// What the host writes goes into an arena, which each call starts anew: results are copied out at once, so nothing that
// an author holds ever points there.
var (
	first [64 << 10]byte
	arena = first[:]
	used  uintptr
	// copied counts bytes for the collector.
	copied uintptr
)

// area is where the host puts results that are larger than a word. A variable of the package never moves, which the
// stack does when it grows.
var area [4]uint64

func words() *[8]uint32 { return (*[8]uint32)(unsafe.Pointer(&area)) }

// into forgets the results of the last call and says where those of the next one go.
func into() unsafe.Pointer {
	used = 0
	return unsafe.Pointer(&area)
}

//go:linkname sbrk runtime.sbrk
func sbrk(n uintptr) unsafe.Pointer

// The host asks for memory while a call of it is under way. A component must not call out then: nothing here allocates,
// which could start a collection that asks for the time. More memory is taken through the runtime's own counter, which
// must know of all growth.
//
//go:nosplit
//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, align, size uintptr) unsafe.Pointer {
	start := (used + align - 1) &^ (align - 1)
	if start+size > uintptr(len(arena)) {
		grown := (2*uintptr(len(arena)) + size + 65535) &^ 65535
		more := sbrk(grown)
		if more == nil {
			// The host takes an address outside of the memory for a trap.
			return unsafe.Pointer(^uintptr(0) &^ 7)
		}
		arena = unsafe.Slice((*byte)(more), grown)
		start = 0
	}
	place := unsafe.Pointer(unsafe.SliceData(arena[start:]))
	used = start + size
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(place), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return place
}

func pointer(address uint32) unsafe.Pointer { return unsafe.Pointer(uintptr(address)) }

func view(address, length uint32) []byte {
	if length == 0 {
		return nil
	}
	copied += uintptr(length)
	return unsafe.Slice((*byte)(pointer(address)), length)
}

// Short texts lie in blocks, as to allocate each would take longer than all else that is done for it. Who keeps one keeps
// its block.
const (
	short = 64
	block = 256
)

var room []byte

func text(address, length uint32) string {
	from := view(address, length)
	if length == 0 || length > short {
		return string(from)
	}
	if cap(room)-len(room) < len(from) {
		room = make([]byte, 0, block)
	}
	begin := len(room)
	room = append(room, from...)
	return unsafe.String(&room[begin], len(from))
}

func bytes(address, length uint32) []byte {
	return append([]byte{}, view(address, length)...)
}

// record gives the n-th of records that lie one after the other, each of so many words.
func record(address uint32, n, size int) []uint32 {
	return unsafe.Slice((*uint32)(pointer(address+uint32(4*n*size))), size)
}

func fields(address, length uint32) []Field {
	all := make([]Field, length)
	for i := range all {
		r := record(address, i, 4)
		all[i] = Field{text(r[0], r[1]), text(r[2], r[3])}
	}
	return all
}

// Flat is a list of header fields as the ABI has it.
type flat [][4]uint32

func flatten(header []Field) flat {
	if len(header) == 0 {
		return nil
	}
	all := make(flat, len(header))
	for i, field := range header {
		all[i] = [4]uint32{address(field.Name), uint32(len(field.Name)), address(field.Value), uint32(len(field.Value))}
	}
	return all
}

func (f flat) pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(f)) }

func address(s string) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.StringData(s)))) }

func data(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// optional reads an option of a text.
func optional() (string, bool) {
	w := words()
	if w[0]&0xff == 0 {
		return "", false
	}
	return text(w[1], w[2]), true
}

// refused reads a result without a value, whose error is a text.
func refused() error {
	w := words()
	if w[0]&0xff == 0 {
		return nil
	}
	return Refused(text(w[1], w[2]))
}
