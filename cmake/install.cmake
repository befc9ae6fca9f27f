# SPDX-License-Identifier: Apache-2.0
# `cmake --install BUILD --prefix /usr`: the program, its unit, its man pages, its completions and its documents, in the places of the
# Filesystem Hierarchy Standard. Nothing is written to /etc: what stands there is the operator's.
include(GNUInstallDirs)

install(TARGETS dotcache RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${generated}/dotcache.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${generated}/dotcache.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${generated}/dotcache DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${generated}/_dotcache DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${generated}/dotcache.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md LICENSE SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs FILES_MATCHING PATTERN "*.md")
install(FILES deploy/systemd/dotcache.default DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY deploy/kubernetes/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/kubernetes)

# The unit names the program by its full path, which is known only now. systemd reads units of
# packages below lib/, whatever the architecture.
set(unit_source ${PROJECT_SOURCE_DIR}/deploy/systemd/dotcache.service)
install(CODE "
  file(READ \"${unit_source}\" unit)
  string(REPLACE \"/usr/bin/dotcache\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/dotcache\" unit \"\${unit}\")
  string(REPLACE \"/usr/share/doc/dotcache\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}\" unit \"\${unit}\")
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")
  file(MAKE_DIRECTORY \"\${folder}\")
  message(STATUS \"Installing: \${folder}/dotcache.service\")
  file(WRITE \"\${folder}/dotcache.service\" \"\${unit}\")
")
