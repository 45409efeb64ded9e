package abi

import "unsafe"

// Results of exports: the host reads them after the hook has returned, so they stay in variables until the next one.
var (
	out      [7]uint32
	keptText string
	keptData []byte
	keptList flat
	keptSent Answer
)

func done() unsafe.Pointer {
	Collect()
	return unsafe.Pointer(&out)
}

// ReturnError is the result of a hook that has failed.
func ReturnError(err error) unsafe.Pointer {
	keptText = err.Error()
	out[0], out[1], out[2] = 1, address(keptText), uint32(len(keptText))
	return done()
}

// ReturnNothing is the result of a hook that has nothing to give back.
func ReturnNothing() unsafe.Pointer {
	out[0] = 0
	return done()
}

// ReturnFlags is the result of init.
func ReturnFlags(flags uint8) unsafe.Pointer {
	out[0], out[1] = 0, uint32(flags)
	return done()
}

// ReturnBytes is the result of a body hook.
func ReturnBytes(b []byte) unsafe.Pointer {
	keptData = b
	out[0], out[1], out[2] = 0, uint32(uintptr(data(b))), uint32(len(b))
	return done()
}

// ReturnAction is the result of a request hook: the request goes on without an answer.
func ReturnAction(answer *Answer) unsafe.Pointer {
	out[0], out[1] = 0, 0
	if answer != nil {
		out[1] = 1
		putAnswer(out[2:7], answer)
	}
	return done()
}

// ReturnAnswer is the result of handle.
func ReturnAnswer(answer *Answer) unsafe.Pointer {
	out[0] = 0
	putAnswer(out[1:6], answer)
	return done()
}

func putAnswer(w []uint32, answer *Answer) {
	keptSent, keptList = *answer, flatten(answer.Header)
	status := uint32(0xffff)
	if answer.Status >= 0 && answer.Status < 0xffff {
		status = uint32(answer.Status)
	}
	w[0] = status
	w[1], w[2] = uint32(uintptr(keptList.pointer())), uint32(len(keptList))
	w[3], w[4] = uint32(uintptr(data(answer.Body))), uint32(len(answer.Body))
}

// Chunk takes the bytes that the host has put into the arena for an export.
func Chunk(address unsafe.Pointer, length uint32) []byte {
	chunk := bytes(uint32(uintptr(address)), length)
	used = 0
	return chunk
}
