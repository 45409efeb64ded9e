package abi

import (
	"runtime"
	"runtime/metrics"
	_ "unsafe"
)

// The runtime's own collector is off: it works beside the program, which in a component stands still between calls, so a
// collection that has begun may never end. Instead a hook that has enough garbage collects at its end, when calling out
// is allowed.

// Below this no collection pays; in bytes.
const smallHeap = 4 << 20

// Bytes copied from the host after which the heap is looked at in any case.
const manyBytes = 256 << 10

// Looking at the heap costs more than a small hook: it is done after so many calls at most.
const manyCalls = 256

var (
	calls uint32
	next  uint32 = 1
	// Bytes in use after the last collection, and when last looked at.
	live, seen uint64

	heapBytes = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
)

//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) int32

func init() { setGCPercent(-1) }

// Collect ends a hook.
func Collect() {
	calls++
	if calls < next && copied < manyBytes {
		return
	}
	heap := heapInUse()
	limit := max(smallHeap, 2*live)
	if heap >= limit {
		runtime.GC()
		live = heapInUse()
		heap, limit = live, max(smallHeap, 2*live)
	}
	// Look again when about a quarter of the room is used, at the speed of the calls since the last look.
	speed := uint64(1)
	if heap > seen {
		speed += (heap - seen) / uint64(calls)
	}
	next = uint32(max(1, min(manyCalls, (limit-min(heap, limit))/(4*speed))))
	calls, copied, seen = 0, 0, heap
}

func heapInUse() uint64 {
	metrics.Read(heapBytes)
	return heapBytes[0].Value.Uint64()
}
