package abi

import (
	"runtime"
	"runtime/metrics"
	_ "unsafe"
)

// The runtime's own collector is off: it works beside the program, which in a component stands still between calls, so a
// collection that has begun may never end. Instead a hook that has enough garbage collects at its end, when calling out
// is allowed.

// Below this no collection pays; in bytes. One takes about 0.3 ms, so this is what a plugin that makes 10 KB of garbage in
// each call pays 2 us a call for.
const smallHeap = 2 << 20

// Bytes copied from the host after which the heap is looked at in any case.
const manyBytes = 256 << 10

// Looking at the heap costs more than a small hook: it is done after so many calls at most.
const manyCalls = 256

var (
	calls uint32
	next  uint32 = 1
	// Bytes in use after the last collection, and when last looked at. The runtime counts small objects late.
	live, seen uint64
	// The end of the memory when last looked at: where it has grown, the heap has.
	top uintptr

	heapBytes = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
)

//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) int32

func init() { setGCPercent(-1) }

// Collect ends a hook.
func Collect() {
	calls++
	if calls < next && copied < manyBytes && uintptr(sbrk(0)) == top {
		return
	}
	heap := heapInUse()
	speed := uint64(1)
	if heap > seen {
		speed += (heap - seen) / uint64(calls)
	}
	if heap >= max(smallHeap, 2*live) {
		runtime.GC()
		live = heapInUse()
		heap = live
	}
	// Look again when about a quarter of the room is used, at the speed of the calls since the last look.
	room := max(smallHeap, 2*live) - heap
	next = uint32(max(1, min(manyCalls, room/(4*speed))))
	calls, copied, seen, top = 0, 0, heap, uintptr(sbrk(0))
}

func heapInUse() uint64 {
	metrics.Read(heapBytes)
	return heapBytes[0].Value.Uint64()
}
