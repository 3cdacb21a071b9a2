# Writes a source file that holds the scripts of schema/ as text, in order of their numbers.
# cmake -DOUTPUT=... -DSCRIPTS="a.sql;b.sql" -P embed_schema.cmake
set(text "#include \"daemon/store/migrations.h\"\n\nnamespace kasetsu::store {\n\n")
string(APPEND text "const std::vector<Script>& schema_scripts() {\n  static const std::vector<Script> scripts = {\n")
foreach(script IN LISTS SCRIPTS)
  get_filename_component(name "${script}" NAME)
  string(REGEX MATCH "^[0-9]+" number "${name}")
  math(EXPR version "${number}")
  file(READ "${script}" sql)
  string(APPEND text "      {${version}, \"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()
string(APPEND text "  };\n  return scripts;\n}\n\n}  // namespace kasetsu::store\n")
file(WRITE "${OUTPUT}" "${text}")
