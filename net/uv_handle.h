// SPDX-License-Identifier: Apache-2.0
// The owner of one libuv handle.
#ifndef DOTCACHE_NET_UV_HANDLE_H_
#define DOTCACHE_NET_UV_HANDLE_H_

#include <uv.h>

#include <memory>
#include <utility>

namespace dotcache {

// Owns a handle of type T (uv_tcp_t, uv_poll_t, ...). libuv needs the handle's memory until its
// close callback, which runs in a later turn. The destructor therefore closes the handle and clears
// its `data`, and the close callback frees the memory. A callback that runs in between finds no
// owner.
//
// A descriptor that libuv owns is closed at once. Bound to the loop's thread.
template <typename T>
class UvHandle {
 public:
  UvHandle() = default;
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;
  ~UvHandle() { Reset(); }

  // Makes the handle by calling `init(T*)`. Returns the libuv code of `init`. Callbacks find
  // `owner` with OwnerOf(). REQUIRES: there is no handle yet.
  template <typename Init>
  int Open(void* owner, Init&& init) {
    auto handle = std::make_unique<T>();
    if (int code = std::forward<Init>(init)(handle.get()); code != 0) return code;
    handle->data = owner;
    handle_ = handle.release();
    return 0;
  }

  void Reset() {
    if (handle_ == nullptr) return;
    handle_->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(handle_, nullptr)),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }

  explicit operator bool() const { return handle_ != nullptr; }
  T* get() const { return handle_; }

  // The handle as a base type of libuv: uv_stream_t or uv_handle_t.
  template <typename Base>
  Base* as() const {
    return reinterpret_cast<Base*>(handle_);
  }

 private:
  T* handle_ = nullptr;
};

// Makes a handle that can poll `fd`. See UvHandle::Open() for `owner` and the result.
inline int OpenPoll(UvHandle<uv_poll_t>& poll, uv_loop_t* loop, int fd, void* owner) {
  return poll.Open(owner, [&](uv_poll_t* handle) { return uv_poll_init(loop, handle, fd); });
}

// The owner given to Open(), or null after the UvHandle was reset or destroyed.
template <typename Owner, typename Handle>
Owner* OwnerOf(const Handle* handle) {
  return static_cast<Owner*>(handle->data);
}

}  // namespace dotcache

#endif  // DOTCACHE_NET_UV_HANDLE_H_
