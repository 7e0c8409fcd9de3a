"""Plain numeric functions of arrays that audits share; they know no audit and no model."""
