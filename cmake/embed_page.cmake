# SPDX-License-Identifier: Apache-2.0
# Writes the files of the status page into a C++ source file:
#   cmake -DFOLDER=admin/status_page -DOUTPUT=status_page_files.cc -P embed_page.cmake
set(source "#include \"admin/status_page.h\"\n\nnamespace dotcache {\n\nabsl::Span<const PageFile> StatusPageFiles() {\n  static constexpr PageFile kFiles[] = {\n")
foreach(line "/|text/html|index.html" "/status.css|text/css|status.css"
        "/status.js|text/javascript|status.js")
  string(REPLACE "|" ";" fields "${line}")
  list(GET fields 0 path)
  list(GET fields 1 type)
  list(GET fields 2 name)
  file(READ "${FOLDER}/${name}" content)
  string(APPEND source "{\"${path}\", \"${type}; charset=utf-8\", R\"__page(${content})__page\"},\n")
endforeach()
string(APPEND source "  };\n  return kFiles;\n}\n\n}  // namespace dotcache\n")
file(WRITE "${OUTPUT}" "${source}")
