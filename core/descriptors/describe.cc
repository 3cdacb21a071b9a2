// Descriptors in words.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/descriptors/descriptor.h"

namespace kasetsu::descriptors {
namespace {

struct Words {
  std::string_view name;
  std::string_view words;
};

// Column names of the tables in common use whose words are not simply the name's own.
constexpr Words kProperties[] = {
    {"Polarizability", "polarizability"},
    {"atomic_radius_rahm", "atomic radius after Rahm"},
    {"c6", "C6 dispersion coefficient"},
    {"c6_gb", "C6 dispersion coefficient after Gould and Bucko"},
    {"c6_ts", "C6 dispersion coefficient after Tkatchenko and Scheffler"},
    {"cation_radius_highest", "radius of the cation of highest charge"},
    {"cation_radius_lowest", "radius of the cation of lowest charge"},
    {"covalent_radius_bragg", "covalent radius after Bragg"},
    {"covalent_radius_cordero", "covalent radius after Cordero"},
    {"covalent_radius_pyykko", "single-bond covalent radius after Pyykko"},
    {"covalent_radius_pyykko_double", "double-bond covalent radius after Pyykko"},
    {"covalent_radius_pyykko_triple", "triple-bond covalent radius after Pyykko"},
    {"covalent_radius_slater", "covalent radius after Slater"},
    {"debye_temperature", "Debye temperature"},
    {"electrical_resistivity_log10", "decimal logarithm of the electrical resistivity"},
    {"electron_negativity", "electronegativity"},
    {"en_allen", "Allen electronegativity"},
    {"en_allred_rochow", "Allred-Rochow electronegativity"},
    {"en_ghosh", "Ghosh electronegativity"},
    {"en_gmp", "Gordy-Mulliken-Pauling electronegativity"},
    {"en_mulliken", "Mulliken electronegativity"},
    {"en_pauling", "Pauling electronegativity"},
    {"en_sanderson", "Sanderson electronegativity"},
    {"entropy_standard", "standard entropy"},
    {"evaporation_heat", "heat of evaporation"},
    {"first_ion_en", "first ionisation energy"},
    {"fusion_enthalpy", "enthalpy of fusion"},
    {"gs_bandgap", "band gap of the ground state"},
    {"gs_energy", "energy per atom of the ground state"},
    {"gs_est_bcc_latcnt", "estimated bcc lattice constant"},
    {"gs_est_fcc_latcnt", "estimated fcc lattice constant"},
    {"gs_mag_moment", "magnetic moment of the ground state"},
    {"gs_volume_per", "volume per atom of the ground state"},
    {"heat_capacity_mass", "heat capacity per mass"},
    {"heat_capacity_molar", "molar heat capacity"},
    {"hhi_p", "market concentration of the production"},
    {"hhi_r", "market concentration of the reserves"},
    {"icsd_volume", "volume per atom in crystals (ICSD)"},
    {"linear_expansion_coefficient", "coefficient of linear expansion"},
    {"mendeleev_number", "Mendeleev number"},
    {"num_d_unfilled", "number of unfilled d states"},
    {"num_d_valence", "number of d valence electrons"},
    {"num_f_unfilled", "number of unfilled f states"},
    {"num_f_valence", "number of f valence electrons"},
    {"num_oxidation_states", "number of oxidation states"},
    {"num_p_unfilled", "number of unfilled p states"},
    {"num_p_valence", "number of p valence electrons"},
    {"num_s_unfilled", "number of unfilled s states"},
    {"num_s_valence", "number of s valence electrons"},
    {"num_unfilled", "number of unfilled valence states"},
    {"num_unpaired", "number of unpaired electrons"},
    {"num_valance", "number of valence electrons"},
    {"num_valence", "number of valence electrons"},
    {"orbital_energy_highest", "energy of the highest occupied orbital"},
    {"orbital_energy_mean", "mean energy of the valence orbitals"},
    {"oxidation_state_common", "most common oxidation state"},
    {"oxidation_state_max", "highest oxidation state"},
    {"oxidation_state_min", "lowest oxidation state"},
    {"oxide_enthalpy", "enthalpy of formation of the oxide"},
    {"oxide_enthalpy_per_cation", "enthalpy of formation of the oxide per cation"},
    {"chloride_enthalpy", "enthalpy of formation of the chloride"},
    {"sulfide_enthalpy", "enthalpy of formation of the sulfide"},
    {"second_ion_en", "second ionisation energy"},
    {"sound_velocity", "speed of sound"},
    {"third_ion_en", "third ionisation energy"},
    {"vdw_depth_uff", "van der Waals well depth (UFF)"},
    {"vdw_radius", "van der Waals radius"},
    {"vdw_radius_alvarez", "van der Waals radius after Alvarez"},
    {"vdw_radius_mm3", "van der Waals radius (MM3)"},
    {"vdw_radius_uff", "van der Waals radius (UFF)"},
    {"youngs_modulus", "Young's modulus"},
    {"GSbandgap", "band gap of the ground state"},
    {"GSmagmom", "magnetic moment of the ground state"},
    {"GSvolume_pa", "volume per atom of the ground state"},
    {"NUnfilled", "number of unfilled valence states"},
    {"NValence", "number of valence electrons"},
    {"NdUnfilled", "number of unfilled d states"},
    {"NdValence", "number of d valence electrons"},
    {"NfUnfilled", "number of unfilled f states"},
    {"NfValence", "number of f valence electrons"},
    {"NpUnfilled", "number of unfilled p states"},
    {"NpValence", "number of p valence electrons"},
    {"NsUnfilled", "number of unfilled s states"},
    {"NsValence", "number of s valence electrons"},
    {"zeff_slater", "effective nuclear charge after Slater"}};

// Short words inside names.
constexpr Words kShort[] = {{"num", "number of"},     {"en", "electronegativity"},
                            {"vdw", "van der Waals"}, {"avg", "average"},
                            {"T", "temperature"},     {"temp", "temperature"},
                            {"gs", "ground-state"},   {"GS", "ground-state"}};

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

// "the largest X among the active elements"
std::string describe_elements(Operation operation, const std::string& what, std::string_view of,
                              std::string_view all) {
  switch (operation) {
    case Operation::minimum:
      return fmt::format("the smallest {} among the {}", what, of);
    case Operation::maximum:
      return fmt::format("the largest {} among the {}", what, of);
    case Operation::sum:
      return fmt::format("the sum of the {} over the {}, times their amounts", what, of);
    case Operation::average:
    case Operation::value:
      return fmt::format("the average {} of the {}, weighted by amount", what, of);
    case Operation::ssd:
      return fmt::format(
          "the sum over the {}, times their amounts, of the squared deviation of the {} from its "
          "mean over {}",
          of, what, all);
    case Operation::variance:
      return fmt::format(
          "the mean squared deviation of the {} of the {} from its mean over {}, weighted by "
          "amount",
          what, of, all);
    case Operation::product:
      return fmt::format("the product of the {} of the {}, each to the power of its amount", what,
                         of);
    case Operation::gmean:
      return fmt::format("the geometric mean of the {} of the {}, weighted by amount", what, of);
    case Operation::own_variance:
      return fmt::format("the variance of the {} among the {}, weighted by amount", what, of);
    case Operation::range:
      return fmt::format("the range of the {} among the {}", what, of);
    case Operation::hmean:
      return fmt::format("the harmonic mean of the {} of the {}, weighted by amount", what, of);
    case Operation::mean:
      return fmt::format("the average {} of the {}, all counting alike", what, of);
  }
  return what;
}

std::string_view form_words(Form form) {
  switch (form) {
    case Form::identity:
      return "";
    case Form::reciprocal:
      return "reciprocal of ";
    case Form::sqrt:
      return "square root of ";
    case Form::inv_sqrt:
      return "reciprocal square root of ";
    case Form::square:
      return "square of ";
    case Form::inv_square:
      return "reciprocal square of ";
    case Form::cube:
      return "cube of ";
    case Form::inv_cube:
      return "reciprocal cube of ";
    case Form::log:
      return "natural logarithm of ";
    case Form::inv_log:
      return "reciprocal natural logarithm of ";
    case Form::exp:
      return "exponential of ";
    case Form::inv_exp:
      return "reciprocal exponential of ";
  }
  return "";
}

}  // namespace

std::string readable_property(std::string_view property) {
  for (const Words& known : kProperties) {
    if (known.name == property) return std::string(known.words);
  }
  // "MeltingT", "NdValence", "thermal_conductivity": words apart, small letters where a capital
  // only began a word.
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < property.size(); ++i) {
    const char c = property[i];
    if (c == '_' || c == ' ') {
      if (!words.back().empty()) words.emplace_back();
      continue;
    }
    if (is_upper(c) && i > 0 && is_lower(property[i - 1])) words.emplace_back();
    words.back() += c;
  }
  std::string out;
  for (std::string& word : words) {
    if (word.empty()) continue;
    for (const Words& known : kShort) {
      if (known.name == word) word = known.words;
    }
    if (word.size() > 1 && is_upper(word[0]) && is_lower(word[1])) {
      word[0] = static_cast<char>(word[0] - 'A' + 'a');
    }
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

std::string describe(const Primary& primary) {
  const std::string what = readable_property(primary.property);
  switch (primary.block) {
    case Block::active:
      return describe_elements(primary.operation, what, "active elements",
                               "all elements of the data set");
    case Block::support_cation:
      return fmt::format("the {} of the support's cation", what);
    case Block::support:
      return describe_elements(primary.operation, what, "support's elements",
                               "all elements of the supports");
    case Block::condition:
      return fmt::format("the condition {}", primary.property);
  }
  return what;
}

std::string describe(const Descriptor& descriptor, std::span<const Primary> primaries) {
  std::string out;
  for (std::size_t k = 0; k < descriptor.order; ++k) {
    const Factor& factor = descriptor.factors[k];
    if (k > 0) out += ", times the ";
    const std::string primary = describe(primaries[static_cast<std::size_t>(factor.primary)]);
    const std::string_view form = form_words(factor.form);
    // "the" is said once before the first word of each factor, or not at all for the first.
    if (form.empty()) {
      out += std::string_view(primary).substr(4);
    } else {
      out += form;
      out += primary;
    }
  }
  return out;
}

}  // namespace kasetsu::descriptors
